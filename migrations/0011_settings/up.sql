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
