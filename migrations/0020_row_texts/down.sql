delete from sent_texts where source = 'row-texts';
alter table sent_texts drop constraint sent_texts_source_check;
alter table sent_texts add constraint sent_texts_source_check check (source in ('customer-message', 'staff-notes'));
