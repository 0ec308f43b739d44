-- What the worker's role may do, given anew at each deploy, and what keeps a role from being one. Run by the owner.

-- What each table is written with, by relay, submit, poll, and operate; all of them are read. Named are the columns where a row is a
-- record: what it is about stays, and when and by which role it was made is the database's to say. `for update` needs the right to
-- update one column. The view invoice_source is read with its owner's rights, the company's tables are not touched otherwise.
create or replace function facteur.worker_rights() returns table (relation name, rights text)
    language sql immutable as $$
    values ('changes'::name, 'insert (invoice_ids, due_at, error), delete, update (due_at, broken_since)'),
           ('installation', 'update (notes_seen, relay_run, relay_began_at, poll_began_at, deposits_enabled, requests_per_minute, forgotten_checked_at, everything_noted_at, not_ready, not_ready_since, not_ready_id, not_ready_counted_at, not_ready_problem)'),
           ('accounts', 'insert (name, pin, own_address), update (pin, own_address)'),
           ('tallies', 'insert, update'),
           ('not_ready', 'insert, update (seen_at), delete'),
           ('submissions', 'insert, update, delete'),
           ('attempts', 'insert (submission_id, invoice_id, account, lease_token, ended_at, outcome, http_status, code, message, platform_id,'
                        ' document_sha256, invoice_number, seller_siren, total, currency, platform, own_key, response, number_read),'
                        ' update (outcome, ended_at, http_status, code, message, platform_id, response, witnessed_at)'),
           ('status_events', 'insert (status_id, submission_id, platform_id, code, platform_code, network_code, label, occurred_at, date_believed,'
                             ' date_given, caused_by, audience, reason, message, raw), update (written_at, settled)'),
           ('budgets', 'insert, update'),
           ('sweeps', 'insert, update'),
           ('feeds', 'insert, update'),
           ('routes', 'insert (account, since, credentials), update (applied_at)'),
           ('operations', 'insert (who, why, operation, caller, request_id, account, submission_id, invoice_id, detail)'),
           ('transitions', 'insert (subject, submission_id, invoice_id, account, attempt_id, from_state, to_state, reason, detail, platform_id, by_whom)'),
           ('unmatched_statuses', 'insert (status_id, account, platform_id, code, event), delete'),
           ('stores', 'insert, update, delete'),
           ('runs', 'insert, update')
$$;

-- Why this role cannot be the worker, as a sentence; null: it can.
create or replace function facteur.worker_problem(p_role name) returns text
    language sql stable as $$
    select case when r.oid is null then format('there is no role %s: create role %I login, with a password or with rds_iam', p_role, p_role)
                when pg_has_role(r.oid, n.nspowner, 'member')
                then format('the role %s has the rights of the owner of schema facteur: name one that has none', p_role) end
    from pg_namespace n left join pg_roles r on r.rolname = p_role where n.nspname = 'facteur'
$$;

-- Where a role's sessions look for names: the worker's in pg_catalog alone, so that nobody who may create in another schema puts a
-- function or an operator before ours. Without the right to say so (the owner lacks CREATEROLE), the doctor names the statement.
create or replace function facteur.set_path(p_role name, p_path text) returns void
    language plpgsql as $$
begin
    if p_path is distinct from (
        select substr(setting, length('search_path=') + 1) from pg_roles, unnest(rolconfig) setting
        where rolname = p_role and setting like 'search\_path=%')
    then
        execute format('alter role %I ', p_role) || case when p_path is null then 'reset search_path' else 'set search_path = ' || p_path end;
    end if;
exception when insufficient_privilege or internal_error then -- the second: another migrator has just set it
    null;
end $$;

create or replace function facteur.revoke_worker(p_role name) returns void
    language plpgsql as $$
begin
    execute format('revoke all on schema facteur from %I', p_role);
    execute format('revoke all on all tables in schema facteur from %I', p_role);
    execute format('revoke all on all sequences in schema facteur from %I', p_role);
    execute format('revoke all on all functions in schema facteur from %I', p_role);
    execute format('alter default privileges in schema facteur revoke all on tables from %I', p_role);
end $$;

-- Give the worker role exactly its rights, take all others in this schema away, and remember it. Safe to repeat; a role named
-- before loses its rights. Run by the schema's owner.
create or replace function facteur.grant_worker(p_role name) returns void
    language plpgsql as $$
declare
    problem constant text := facteur.worker_problem(p_role);
    before constant name := (select rolname from pg_roles join facteur.installation on worker_role = rolname where rolname <> p_role);
    written record;
begin
    if problem is not null then
        raise '%', problem;
    end if;
    perform facteur.revoke_worker(before) where before is not null and facteur.worker_problem(before) is null;
    perform facteur.revoke_worker(p_role);
    revoke all on schema facteur from public;
    revoke all on all tables in schema facteur from public;
    revoke all on all functions in schema facteur from public;
    execute format('grant usage on schema facteur to %I', p_role);
    execute format('grant select on all tables in schema facteur to %I', p_role);
    execute format('grant select on all sequences in schema facteur to %I', p_role);
    for written in select * from facteur.worker_rights() loop
        execute format('grant %s on facteur.%I to %I', written.rights, written.relation, p_role);
    end loop;
    execute format('grant execute on all functions in schema facteur to %I', p_role);
    execute format('revoke execute on function facteur.watch(regclass, name), facteur.grant_worker(name), facteur.revoke_worker(name), facteur.set_path(name, text),
        facteur.lower_submit_from(date, boolean, jsonb) from %I', p_role);
    -- who may not execute a trigger's function cannot put it on a table of his own; to fire it, nobody needs a right
    for written in select p.oid::regprocedure as name from pg_proc p where p.pronamespace = 'facteur'::regnamespace and p.prorettype = 'trigger'::regtype loop
        execute format('revoke execute on function %s from %I', written.name, p_role);
    end loop;
    -- a view that the company drops and creates again can be read at once
    execute format('alter default privileges in schema facteur grant select on tables to %I', p_role);
    perform facteur.set_path(p_role, 'pg_catalog');
    update facteur.installation set worker_role = p_role;
end $$;
