drop table audit_pages;
drop table audits;
