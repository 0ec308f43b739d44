-- Last of all, each time: the functions above that run the company's own code find for it what they found at its installation.

-- What runs the company's own code with the owner's rights, functions in her view and deferred triggers, lets it find what it finds
-- for the owner; but nobody's temporary tables, types or functions come first.
do $$
declare
    path constant text := coalesce(nullif(current_setting('facteur.path', true), ''), concat_ws(', ', 'pg_catalog', (select string_agg(quote_ident(s), ', ') from unnest(current_schemas(false)) s), 'pg_temp'));
begin
    execute 'alter function facteur.settle_constraints() set search_path = ' || path;
    execute 'alter function facteur.made_ready_by(date) set search_path = ' || path;
    execute 'alter function facteur.ready_from(date, text[]) set search_path = ' || path;
    -- the reading of her view: the worker's own path is pg_catalog alone
    execute 'alter function facteur.read_invoices(text[], integer) set search_path = ' || path;
    execute 'alter function facteur.read_document(text, integer, integer) set search_path = ' || path;
    execute 'alter function facteur.document_sha256(text) set search_path = ' || path;
    execute 'alter function facteur.compare_written(text, text, text) set search_path = ' || path;
    execute 'alter function facteur.note_forgotten(boolean) set search_path = ' || path;
    execute 'alter function facteur.count_not_ready() set search_path = ' || path;
end $$;
