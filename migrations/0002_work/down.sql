drop table account_leases;
drop sequence lease_fence;
drop table intake_offsets;
drop table holds;
drop table work_items;
