-- A finished row is deleted and an event makes a new one. Were both to count from 1, a claim that was thought lost and ends late could
-- finish the new row for the old one: the count therefore begins where no earlier row's can be.
alter table work_items alter column generation set default (extract(epoch from clock_timestamp()) * 1000000)::bigint;
