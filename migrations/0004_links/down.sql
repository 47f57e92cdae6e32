drop table product_identities;
drop table foreign_orders;
drop table agreements;
drop table contact_links;
drop table shipment_links;
drop table row_links;
drop table order_links;
