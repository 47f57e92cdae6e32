drop table reconciled;
drop table sweeps;
delete from work_items where kind = 'sweep';
