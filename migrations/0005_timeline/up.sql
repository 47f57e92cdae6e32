-- What happened to one entity, in plain words. Months are made ahead of time; a row outside them is kept in the default partition.
create table timeline (
    scope text not null,
    kind text not null,
    entity bigint not null check (entity >= 0),
    at timestamptz not null,
    number bigint generated always as identity,
    key text not null,
    text text not null,
    data jsonb not null
) partition by range (at);

create index timeline_of_entity on timeline (scope, kind, entity, at, number);

create table timeline_other partition of timeline default;
