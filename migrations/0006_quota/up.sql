-- The present window of each pool of calls, as the platform counts them. Processes draw blocks of tokens from it.
create table quota_windows (
    pool text primary key,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    capacity integer not null check (capacity >= 0),
    granted integer not null check (granted >= 0)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
