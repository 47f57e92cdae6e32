-- What is too long for the rows' names stands in an order note of its own.
alter table sent_texts drop constraint sent_texts_source_check;
alter table sent_texts add constraint sent_texts_source_check check (source in ('customer-message', 'staff-notes', 'row-texts'));
