-- The timetable of sweeps, and how far each has come. Rows are made for each tenant and account by the statement that makes the work.
create table sweeps (
    scope text not null,
    source text not null,
    -- The platform's time up to which everything was found and is with the broker.
    watermark timestamptz,
    -- Where a sweep goes on that was not finished in one go.
    resume_at timestamptz,
    due_at timestamptz not null,
    swept_at timestamptz,
    primary key (scope, source)
) with (fillfactor = 50);

create index sweeps_due on sweeps (due_at);

-- The date an object had when it was last looked into, and when that look began: a sweep that finds the same date need not look again.
create table reconciled (
    scope text not null,
    kind text not null,
    entity bigint not null check (entity >= 0),
    modified_at timestamptz not null,
    read_at timestamptz not null,
    primary key (scope, kind, entity)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
