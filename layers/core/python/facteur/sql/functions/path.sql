-- Last of all, each time: where each function looks for names. Ours do in pg_catalog alone, whoever calls them, so that nobody who may
-- create in a schema of the caller's path has his own run in their place: for Postgres an overload that is closer to the arguments
-- goes before a variadic or polymorphic one of its own, wherever in the path either lies.

-- What runs the company's own code, the functions in her view and her deferred triggers, lets it find what it finds for the owner; but
-- nobody's temporary tables, types or functions come first. These do nothing else, and name Postgres' functions with their schema.
do $$
declare
    path constant text := coalesce(nullif(current_setting('facteur.path', true), ''), concat_ws(', ', 'pg_catalog', (select string_agg(quote_ident(s), ', ') from unnest(current_schemas(false)) s), 'pg_temp'));
    companys constant text[] := array['settle_constraints', 'read_invoices', 'read_document', 'document_sha256', 'read_keys', 'read_kinds',
                                      'read_old_rows', 'read_not_ready', 'rows_to_reconcile', 'compare_written'];
    -- A planner puts these into the query that calls them, and would not if they had a path. They too name all with its schema.
    inlined constant text[] := array['now', 'by_now', 'brought_forward', 'everything', 'word', 'same_deposit', 'plain', 'technical_status',
                                     'shown_status', 'paused', 'refused', 'deposits_admitted', 'deposit_time'];
    f record;
begin
    for f in
        select p.oid::regprocedure as name, p.proname = any (companys) as companys from pg_proc p
        where p.pronamespace = 'facteur'::regnamespace and p.proname <> all (inlined)
          and p.proname = any (string_to_array(current_setting('facteur.functions'), ',')) -- hers may lie in this schema too
    loop
        execute format('alter function %s set search_path = %s', f.name, case when f.companys then path else 'pg_catalog, pg_temp' end);
    end loop;
end $$;
