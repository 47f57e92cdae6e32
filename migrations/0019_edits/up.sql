-- What a sales order and its store order had in common when they were in step: keyed digests, and the rows that are ours.
create table orders_in_step (
    tenant text not null references tenants (id),
    store_order bigint not null check (store_order >= 0),
    sales_order bigint not null check (sales_order >= 0),
    -- When the store's order had changed last, by the store's clock.
    seen_at timestamptz not null,
    amounts text not null,
    lines text not null,
    billing text not null,
    delivery text not null,
    shipping text not null,
    rows jsonb not null,
    primary key (tenant, store_order, sales_order)
) with (fillfactor = 80);

-- What of a linked order was not there when it was read. With a time of being gone, nothing is done about the order any more.
create table order_absences (
    tenant text not null references tenants (id),
    store_order bigint not null check (store_order >= 0),
    what text not null check (what in ('archived', 'store-order', 'sales-order')),
    -- 0 where it is the store's order that is missing.
    sales_order bigint not null check (sales_order >= 0),
    since timestamptz not null,
    gone_at timestamptz,
    primary key (tenant, store_order, what, sales_order)
);
