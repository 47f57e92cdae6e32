alter table product_identities drop column stock_tracked;
drop table sent_texts;
drop table reservations;
