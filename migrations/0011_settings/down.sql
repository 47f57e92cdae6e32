drop table rules_versions;

drop table reference_lists;

update tenants set rules = jsonb_build_object(
    'orders', coalesce(rules -> 'orders', '{}') - 'status',
    'status', coalesce(rules #> '{orders,status}', '{}'),
    'money', coalesce(rules -> 'taxes_and_accounts', '{}'),
    'shipments', coalesce(rules -> 'fulfilment', '{}'));
