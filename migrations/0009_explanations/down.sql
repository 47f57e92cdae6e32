alter table commands drop column matched_again;

alter table work_items drop column event_id;
