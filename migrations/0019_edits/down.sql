drop table order_absences;
drop table orders_in_step;
