-- Who is connected. Ids are checked texts, so that they can stand in paths, topics and logs as they are.

create table accounts (
    code text primary key,
    connection text not null unique,
    api_base text not null,
    token_base text not null,
    app_ref text not null,
    dev_ref text not null,
    installation bigint check (installation >= 0),
    -- All that there ever were: Brightpearl's key of an order includes the installation, so orders of another one must be searched for.
    installations bigint[] not null default '{}',
    parked_reason text,
    parked_at timestamptz,
    -- The pair of tokens changes by compare-and-set on its generation; one process at a time refreshes it.
    token_generation bigint not null default 0,
    token_expires_at timestamptz,
    refresh_holder text,
    refresh_until timestamptz,
    catalogue_loaded_at timestamptz,
    catalogue_watermark timestamptz,
    created_at timestamptz not null default now()
);

create table tenants (
    id text primary key,
    account text not null references accounts (code),
    store text not null,
    store_base text not null,
    connection text not null unique,
    state text not null default 'active' check (state in ('active', 'paused', 'removed')),
    parked_reason text,
    parked_at timestamptz,
    signature_mode text not null check (signature_mode in ('require', 'verify-if-present', 'off')),
    rules jsonb not null,
    rules_version bigint not null default 1,
    created_at timestamptz not null default now(),
    unique (account, store)
);

-- Sealed with AES-256-GCM; scope and name are part of what is authenticated, so a row cannot be moved.
create table credentials (
    scope text not null,
    name text not null,
    sealed text not null check (sealed like 'v1:%'),
    key_id text not null,
    updated_at timestamptz not null default now(),
    primary key (scope, name)
);

create index credentials_by_key on credentials (key_id);

-- Ingest keeps the connections and their secrets in memory. One number tells it whether they changed.
create table directory_state (
    singleton boolean primary key default true check (singleton),
    version bigint not null default 1
);

insert into directory_state default values;

create function directory_changed() returns trigger language plpgsql as $$
begin
    update directory_state set version = version + 1;
    perform pg_notify('directory', '');
    return null;
end
$$;

create trigger directory_tenants after insert or delete or update of connection, account, store, state, signature_mode on tenants
    for each statement execute function directory_changed();

create trigger directory_accounts after insert or delete or update of connection on accounts
    for each statement execute function directory_changed();

-- Access tokens change every few hours and are no concern of ingest.
create trigger directory_credentials after insert or update on credentials
    for each row when (new.name in ('store', 'app')) execute function directory_changed();
