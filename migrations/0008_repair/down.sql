drop table replay_items;
drop table replay_positions;
drop table replays;
drop table dead_letters;
drop table operator_holds;

update work_items set state = 'held' where state = 'stopped';
alter table work_items drop constraint work_items_state_check;
alter table work_items add constraint work_items_state_check check (state in ('ready', 'held'));
