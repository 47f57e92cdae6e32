-- The exchange rate that a sales order was made with, in Brightpearl's own direction: everything booked on it carries the same.
-- Sales orders that were not made by us, or before this was remembered, have none: theirs is read.
alter table order_links add column exchange_rate numeric(18, 6) check (exchange_rate > 0);
