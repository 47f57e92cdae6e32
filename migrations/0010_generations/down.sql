alter table work_items alter column generation set default 1;
