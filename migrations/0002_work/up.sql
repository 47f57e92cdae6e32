-- "This entity may be out of step": one row per entity, however many events named it. Finished rows are deleted.
create table work_items (
    scope text not null,
    kind text not null,
    entity bigint not null check (entity >= 0),
    account text not null,
    priority smallint not null,
    aspects smallint not null,
    state text not null default 'ready' check (state in ('ready', 'held')),
    due_at timestamptz not null,
    -- Events raise it and touch nothing of the claim; a claim is finished only if it is still what was claimed.
    generation bigint not null default 1,
    claimed_generation bigint,
    claimed_fence bigint,
    claimed_at timestamptz,
    attempts integer not null default 0,
    -- No event makes it due before this: a platform's own wait, or a settle delay.
    floor_at timestamptz,
    -- When an event last cut our own back-off short.
    woken_at timestamptz,
    first_event_at timestamptz not null,
    last_event_at timestamptz not null,
    cause text not null,
    reason text,
    rules_version bigint,
    primary key (scope, kind, entity)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- The scope leads the priority: a claim then takes from each tenant of an account in turn and never walks over a paused one's backlog.
create index work_items_due on work_items (account, scope, priority, due_at) where state = 'ready';

-- Effects that wait for a person or a rule; a tenant's other effects go on.
create table holds (
    scope text not null,
    kind text not null,
    entity bigint not null check (entity >= 0),
    effect text not null,
    cause text not null,
    -- The cause as it is compared: lower case, SKUs trimmed.
    cause_key text not null,
    why text not null,
    remedy text not null,
    rules_version bigint,
    held_at timestamptz not null,
    released_at timestamptz,
    -- One effect may wait for several things: all of them are told, and each that is mended has it looked at again.
    primary key (scope, kind, entity, effect, cause_key)
);

create index holds_by_cause on holds (scope, cause_key text_pattern_ops) where released_at is null;

create table intake_offsets (
    topic text not null,
    partition integer not null,
    next_offset bigint not null,
    primary key (topic, partition)
) with (fillfactor = 50);

create sequence lease_fence;

-- One processor works for an account at a time. Times are the database's own.
create table account_leases (
    account text primary key references accounts (code) on delete cascade,
    owner text,
    fence bigint not null default 0,
    expires_at timestamptz
) with (fillfactor = 50);
