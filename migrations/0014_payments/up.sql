-- What the store says was paid, and Brightpearl's payment for it: unique on both sides, never pruned.
create table payment_links (
    tenant text not null references tenants (id),
    reference text not null,
    account text not null,
    store_order bigint not null check (store_order >= 0),
    sales_order bigint not null check (sales_order >= 0),
    payment bigint not null check (payment >= 0),
    kind text not null,
    -- What it was sent with: half of Brightpearl's own key.
    method text not null,
    amount numeric(19, 4) not null,
    currency text not null,
    exchange_rate numeric(19, 6),
    created_at timestamptz not null default now(),
    primary key (tenant, reference),
    unique (account, payment)
);

create index payment_links_of_order on payment_links (tenant, store_order);

-- What the store's order said of its payment when all of it was booked: while it says the same, its payment records are not read again.
create table payments_seen (
    tenant text not null references tenants (id),
    store_order bigint not null check (store_order >= 0),
    seen text not null,
    seen_at timestamptz not null,
    primary key (tenant, store_order)
) with (fillfactor = 80);
