drop table timeline;
