drop table customers_sent;
drop table variant_identities;

alter table product_identities
    drop column ean, drop column ean_key,
    drop column upc, drop column upc_key,
    drop column mpn, drop column mpn_key,
    drop column isbn, drop column isbn_key,
    drop column barcode, drop column barcode_key;
