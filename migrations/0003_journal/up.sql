-- One row per command key, for all time: this is what stops a second call. Not partitioned, since the key must be unique over all months.
create table commands (
    scope text not null,
    kind text not null,
    id text not null,
    account text not null,
    target text not null,
    -- How it may be repeated, and whether it makes something whose id is wanted.
    repeatability text not null check (repeatability in ('keyed', 'absolute', 'look-first')),
    state text not null check (state in ('planned', 'sent', 'confirmed', 'refused', 'in_doubt')),
    revision integer not null default 1,
    sends integer not null default 0,
    fingerprint text not null,
    -- Cleared when it is sent, set when exactly that write is confirmed.
    confirmed_fingerprint text,
    resent_in_doubt boolean not null default false,
    result_id bigint check (result_id >= 0),
    sent_at timestamptz,
    deadline_at timestamptz,
    misses integer not null default 0,
    last_miss_at timestamptz,
    fence bigint,
    owner text,
    explanation jsonb not null,
    why text,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    primary key (scope, kind, id)
) with (fillfactor = 80);

create index commands_unsettled on commands (account)
    where state in ('sent', 'in_doubt') or (state = 'confirmed' and result_id is null and repeatability <> 'absolute');

create index commands_open_on_target on commands (scope, target) where state in ('planned', 'sent', 'in_doubt');
