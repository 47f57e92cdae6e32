alter table tenants drop column live_since;
drop table order_marks;
