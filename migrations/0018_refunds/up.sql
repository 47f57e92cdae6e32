-- How far a refund of the store has come, from when it was decided how it is booked until all of it is. Never pruned.
create table refunds (
    tenant text not null references tenants (id),
    refund bigint not null check (refund >= 0),
    account text not null,
    store_order bigint not null check (store_order >= 0),
    sales_order bigint not null check (sales_order >= 0),
    -- The sales credit that stands for it, if one does.
    credit bigint check (credit >= 0),
    -- What was decided at first, and whether it is done.
    mark jsonb not null,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    primary key (tenant, refund),
    unique (account, credit)
) with (fillfactor = 80);

create index refunds_of_order on refunds (tenant, store_order);

-- What the store's order said of its refunds when all of them were booked: while it says the same, they are not read again.
create table refunds_seen (
    tenant text not null references tenants (id),
    store_order bigint not null check (store_order >= 0),
    seen text not null,
    seen_at timestamptz not null,
    primary key (tenant, store_order)
) with (fillfactor = 80);
