-- By what products are matched besides their SKU, and what stores said of customers.

-- As with the SKU: the text as it is written, and trimmed in lower case.
alter table product_identities
    add column ean text not null default '', add column ean_key text not null default '',
    add column upc text not null default '', add column upc_key text not null default '',
    add column mpn text not null default '', add column mpn_key text not null default '',
    add column isbn text not null default '', add column isbn_key text not null default '',
    add column barcode text not null default '', add column barcode_key text not null default '';

create index product_identities_by_ean on product_identities (account, ean_key) where live and ean_key <> '';
create index product_identities_by_upc on product_identities (account, upc_key) where live and upc_key <> '';
create index product_identities_by_mpn on product_identities (account, mpn_key) where live and mpn_key <> '';
create index product_identities_by_isbn on product_identities (account, isbn_key) where live and isbn_key <> '';
create index product_identities_by_barcode on product_identities (account, barcode_key) where live and barcode_key <> '';

-- What is known of the products is not the whole of it any more: the catalogues are read again.
update accounts set catalogue_loaded_at = null;

-- Product links: the variants of a store's catalogue that orders named, with all by which they may equal a Brightpearl product.
create table variant_identities (
    tenant text not null references tenants (id) on delete cascade,
    variant bigint not null check (variant >= 0),
    product bigint not null check (product >= 0),
    sku text not null,
    upc text not null,
    mpn text not null,
    gtin text not null,
    bin_picking_number text not null,
    read_at timestamptz not null,
    primary key (tenant, variant)
);

create index variant_identities_of_product on variant_identities (tenant, product);

-- What a store last had carried to a customer's contact: keyed digests by field, nothing of which can be read back.
create table customers_sent (
    tenant text not null references tenants (id) on delete cascade,
    email_hash text not null,
    -- The newest order that said so: what an older one says is out of date.
    store_order bigint not null check (store_order >= 0),
    digests jsonb not null,
    primary key (tenant, email_hash)
) with (fillfactor = 90);
