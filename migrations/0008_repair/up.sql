-- What operators do: stop single entities, settle dead letters, have events done over again.

-- One that a person stopped: no event makes it ready until a person releases it.
alter table work_items drop constraint work_items_state_check;
alter table work_items add constraint work_items_state_check check (state in ('ready', 'held', 'stopped'));

create table operator_holds (
    scope text not null,
    kind text not null,
    entity bigint not null check (entity >= 0),
    why text not null,
    held_by text not null,
    held_at timestamptz not null,
    primary key (scope, kind, entity)
);

-- What became of a dead letter, by its place on the dead-letter topic. One without a row is open.
create table dead_letters (
    topic text not null,
    partition integer not null,
    record_offset bigint not null check (record_offset >= 0),
    state text not null check (state in ('retried', 'discarded')),
    times integer not null default 1,
    marked_by text not null,
    marked_at timestamptz not null,
    why text,
    primary key (topic, partition, record_offset)
);

create table replays (
    id uuid primary key,
    selection jsonb not null,
    state text not null check (state in ('running', 'paused', 'done', 'cancelled')),
    started_by text not null,
    started_at timestamptz not null,
    changed_at timestamptz not null,
    -- The process that puts its entities in. Whoever resumes it takes this place, and the former one stops.
    runner uuid,
    records bigint not null default 0,
    entities bigint not null default 0,
    done bigint not null default 0,
    held bigint not null default 0
);

-- How far each partition is; moves in the transaction of its effect.
create table replay_positions (
    replay uuid not null references replays (id) on delete cascade,
    topic text not null,
    partition integer not null,
    next_offset bigint not null,
    end_offset bigint not null,
    primary key (replay, topic, partition)
) with (fillfactor = 50);

-- The entities a replay has put in, each once, however many events named it.
create table replay_items (
    replay uuid not null references replays (id) on delete cascade,
    scope text not null,
    kind text not null,
    entity bigint not null check (entity >= 0),
    aspects smallint not null,
    state text not null default 'open' check (state in ('open', 'done', 'held')),
    primary key (replay, scope, kind, entity)
);

create index replay_items_open on replay_items (replay) where state = 'open';
