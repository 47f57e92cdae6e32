drop table credentials;
drop table tenants;
drop table accounts;
drop function directory_changed();
drop table directory_state;
