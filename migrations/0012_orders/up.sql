-- What is known of store orders that have no sales order yet. The row goes when the order is linked.
create table order_marks (
    -- Without a foreign key: intake must never wait for an import that holds the tenant's row.
    tenant text not null,
    store_order bigint not null check (store_order >= 0),
    -- The statuses that events and reads saw it in, bit 0 for status 0: one that was in a chosen status is created although it moved on.
    seen integer not null default 0 check (seen between 0 and 32767),
    -- The sales order that a person says stands for it.
    adopt bigint check (adopt >= 0),
    primary key (tenant, store_order)
) with (fillfactor = 90);

-- Since when no order of the store can have been entered in Brightpearl but by us: what was placed before is searched for.
alter table tenants add column live_since timestamptz;
update tenants set live_since = created_at;
alter table tenants alter column live_since set not null;
