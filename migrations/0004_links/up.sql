-- Remembered pairs of ids, unique on both sides, never pruned.

create table order_links (
    tenant text not null references tenants (id),
    store_order bigint not null check (store_order >= 0),
    part integer not null check (part >= 0),
    account text not null,
    sales_order bigint not null check (sales_order >= 0),
    installation bigint not null check (installation >= 0),
    external_ref text not null,
    verified boolean not null default false,
    created_at timestamptz not null default now(),
    primary key (tenant, store_order, part),
    unique (account, sales_order)
);

create table row_links (
    tenant text not null references tenants (id),
    store_order bigint not null check (store_order >= 0),
    line bigint not null check (line >= 0),
    address bigint not null check (address >= 0),
    sales_order bigint not null check (sales_order >= 0),
    row_id bigint not null check (row_id >= 0),
    product bigint not null check (product >= 0),
    quantity bigint not null check (quantity >= 0),
    shippable boolean not null,
    primary key (tenant, store_order, sales_order, line),
    unique (tenant, sales_order, row_id)
);

create table shipment_links (
    tenant text not null references tenants (id),
    note_kind text not null,
    note bigint not null check (note >= 0),
    store_order bigint not null check (store_order >= 0),
    address bigint not null check (address >= 0),
    shipment bigint not null check (shipment >= 0),
    created_at timestamptz not null default now(),
    primary key (tenant, note_kind, note, address),
    unique (tenant, shipment)
);

create index shipment_links_of_order on shipment_links (tenant, store_order);

create table contact_links (
    account text not null references accounts (code),
    email_hash text not null,
    contact bigint not null check (contact >= 0),
    created_at timestamptz not null default now(),
    primary key (account, email_hash),
    unique (account, contact)
);

-- The statuses of both sides when they last agreed, and the pair before.
create table agreements (
    tenant text not null references tenants (id),
    store_order bigint not null check (store_order >= 0),
    store_status bigint not null,
    brightpearl_status bigint not null,
    before_store_status bigint,
    before_brightpearl_status bigint,
    agreed_at timestamptz not null,
    primary key (tenant, store_order)
) with (fillfactor = 80);

-- Brightpearl orders that are none of ours, so that they are not read again and again.
create table foreign_orders (
    account text not null references accounts (code),
    sales_order bigint not null check (sales_order >= 0),
    seen_at timestamptz not null default now(),
    primary key (account, sales_order)
);

create table product_identities (
    account text not null references accounts (code),
    product bigint not null check (product >= 0),
    sku text not null,
    -- Trimmed, lower case.
    sku_key text not null,
    live boolean not null,
    primary key (account, product)
) with (fillfactor = 90);

create index product_identities_by_sku on product_identities (account, sku_key) where live and sku_key <> '';
