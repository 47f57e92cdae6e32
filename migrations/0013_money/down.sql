alter table order_links drop column exchange_rate;
