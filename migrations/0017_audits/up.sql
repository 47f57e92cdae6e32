-- What the books of both platforms said when they were compared.
create table audits (
    id bigint generated always as identity primary key,
    tenant text not null references tenants (id),
    -- The night that it was made for; none if somebody asked for it.
    night timestamptz,
    window_from timestamptz not null,
    window_to timestamptz not null check (window_to > window_from),
    rules_version bigint not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    -- What was found; none until it is finished.
    report jsonb,
    differences integer,
    held integer,
    skipped integer,
    unique (tenant, night)
);

create index audits_of_tenant on audits (tenant, id desc);

-- What an audit under way has read, so that one that was stopped goes on. Gone when it is finished; nothing in it names a person.
create table audit_pages (
    audit bigint not null references audits (id) on delete cascade,
    part text not null,
    page integer not null check (page >= 0),
    rows jsonb not null,
    -- Where the next page begins; none if this is the last.
    next bigint,
    primary key (audit, part, page)
);
