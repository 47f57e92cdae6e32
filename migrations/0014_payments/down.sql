drop table payments_seen;
drop table payment_links;
