-- How far we have come with the reservation of a sales order's stock. One without a row is none that stock is reserved for.
create table reservations (
    tenant text not null references tenants (id),
    store_order bigint not null check (store_order >= 0),
    sales_order bigint not null check (sales_order >= 0),
    state text not null check (state in ('wanted', 'asked', 'set', 'part', 'nothing', 'done')),
    tried_at timestamptz,
    primary key (tenant, store_order, sales_order)
) with (fillfactor = 80);

-- What stands on a sales order of the store order's texts, as we last wrote it: a keyed digest, never the words.
create table sent_texts (
    tenant text not null references tenants (id),
    store_order bigint not null check (store_order >= 0),
    sales_order bigint not null check (sales_order >= 0),
    source text not null check (source in ('customer-message', 'staff-notes')),
    -- Empty: there were no words.
    digest text not null,
    sent_at timestamptz not null default now(),
    primary key (tenant, store_order, sales_order, source)
) with (fillfactor = 80);

-- Null: Brightpearl has not said. Every catalogue is read once more, so that it says.
alter table product_identities add column stock_tracked boolean;
update accounts set catalogue_loaded_at = null;
