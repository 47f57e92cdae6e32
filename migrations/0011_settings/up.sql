-- The rules in the sections of the merchant's settings.
update tenants set rules = jsonb_build_object(
    'orders', coalesce(rules -> 'orders', '{}') || jsonb_build_object('status', coalesce(rules -> 'status', '{}')),
    'taxes_and_accounts', coalesce(rules -> 'money', '{}'),
    'fulfilment', coalesce(rules -> 'shipments', '{}'));

-- What the settings may name: the platforms' lists, as they were read last, per account ('@' and its code) and per tenant.
create table reference_lists (
    scope text primary key,
    lists jsonb not null,
    read_at timestamptz not null
);

-- Every version of a tenant's rules that was ever saved. The present one is also in tenants.
create table rules_versions (
    tenant text not null references tenants (id) on delete cascade,
    version bigint not null check (version > 0),
    rules jsonb not null,
    author text not null check (char_length(author) between 1 and 100),
    saved_at timestamptz not null,
    -- 'before': saved before versions were kept; its time is that of this migration.
    origin text not null check (origin in ('import', 'restore', 'before')),
    restored_from bigint check (restored_from < version),
    primary key (tenant, version),
    check ((origin = 'restore') = (restored_from is not null))
);

insert into rules_versions (tenant, version, rules, author, saved_at, origin)
    select id, rules_version, rules, 'orderbridge', now(), 'before' from tenants;
