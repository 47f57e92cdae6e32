drop table refunds_seen;
drop table refunds;
