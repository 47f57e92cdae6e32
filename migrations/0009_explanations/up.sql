-- Which event asked last: what is done about an entity can be explained by it afterwards.
alter table work_items add column event_id uuid;

-- A refused command whose linked contact and products were matched again: that is done once.
alter table commands add column matched_again boolean not null default false;
