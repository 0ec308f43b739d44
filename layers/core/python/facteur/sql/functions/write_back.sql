-- What the company's row shows, and whether it took it. Written with a short lock_timeout in a sub-block: what fails here takes
-- nothing else with it, and is repeated. Locks: the company's row, after everything of ours.

-- The value a back office sees for each state.
create or replace function facteur.technical_status(p_state text) returns text
    language sql immutable parallel safe as $$
    select case p_state
        when 'submitted' then 'validated' when 'closed' then 'validated'
        when 'rejected' then 'rejected' when 'failed' then 'error'
        else 'pending' end
$$;

-- What a row is shown: a deposited one that asks for another invoice now goes to a person, for that one is not deposited.
create or replace function facteur.shown_status(p_state text, p_mismatch text) returns text
    language sql immutable parallel safe as $$
    select case when p_mismatch is not null and p_state in ('submitted', 'closed') then 'error' else facteur.technical_status(p_state) end
$$;

-- Whether a row shows a deposit's id: a column of type uuid sets hyphens.
create or replace function facteur.same_deposit(p_shown text, p_platform_id text) returns boolean
    language sql immutable parallel safe as $$
    select pg_catalog.replace(facteur.word(p_shown), '-', '') is not distinct from pg_catalog.replace(facteur.word(p_platform_id), '-', '')
$$;

-- A word, or an id, as a person means it: blanks and case apart. Nothing but blanks is null.
create or replace function facteur.word(p_text text) returns text
    language sql immutable parallel safe as $$
    select nullif(pg_catalog.lower(pg_catalog.regexp_replace(p_text, '[\s\u00a0]', '', 'g')), '')
$$;

-- A number as a sentence shows it that distinguishes two of them: what is not plain ASCII is escaped, for a dash may look like a hyphen.
create or replace function facteur.to_the_letter(p_text text) returns text
    language sql immutable parallel safe as $$
    select coalesce(string_agg(case when code between 32 and 126 then sign when code < 256 then '\x' || lpad(to_hex(code), 2, '0')
                                    when code < 65536 then '\u' || lpad(to_hex(code), 4, '0') else '\U' || lpad(to_hex(code), 8, '0') end, '' order by n), p_text)
    from (select sign, n, ascii(sign) as code from regexp_split_to_table(p_text, '') with ordinality each(sign, n) where sign <> '') signs
$$;

create or replace function facteur.mismatch_in_words(p_number text, p_seller text, p_sent_number text, p_sent_seller text) returns text
    language sql stable as $$
    select format('The row asks for invoice %s of %s, and %s of %s was sent for its key. Give another invoice a row of its own, '
                  'or put the number back and set technical_status to ''pending''.',
                  facteur.to_the_letter(p_number), facteur.to_the_letter(p_seller), facteur.to_the_letter(p_sent_number), facteur.to_the_letter(p_sent_seller))
$$;

-- The row with the key $1 beside what was written, $2 and $3, as a query.
create or replace function facteur.comparison_query() returns text
    language plpgsql stable as $$
declare
    status constant text := facteur.source_column('technical_status');
    deposit constant text := facteur.source_column('submission_id');
begin
    return format($q$
        select true, nullif(pg_catalog.concat_ws(' and ', case when %s then 'technical_status' end, case when %s then 'submission_id' end), '') as differing
        from facteur.invoice_source s where s.invoice_id operator(pg_catalog.=) $1::%s order by differing limit 1
        $q$, case when status = 'null' then 'false' else format('facteur.word(%s::text) is distinct from $2', status) end,
        case when deposit = 'null' then 'false' else format('not facteur.same_deposit(%s::text, $3)', deposit) end, facteur.key_type());
end $$;

-- What the view shows of a row that was just written: which of the two columns, as far as it shows them, differ from what was
-- written. seen is null where it raises on the row; what passes by itself, such as a lock, is raised on.
create or replace function facteur.compare_written(p_invoice_id text, p_status text, p_platform_id text, out seen boolean, out differing text)
    language plpgsql as $$
begin
    execute facteur.comparison_query() into seen, differing using p_invoice_id, p_status, p_platform_id;
    seen := coalesce(seen, false);
exception
    when transaction_rollback or lock_not_available then
        raise;
    when others or assert_failure then
        seen := null;
end $$;

-- The statement that lets deferred triggers of the company's raise now; null: there is none. It never says ALL, which before Postgres
-- 18 would run as well, with the owner's rights, what the caller has deferred on a temporary table or on one of its own. A name stands
-- for every constraint of that name in its schema: one that the caller has too is left out. So is what the owner may not name, for
-- he has no right to its schema, such as another application's: Postgres lets that raise at the commit.
create or replace function facteur.settling() returns text
    language sql stable as $$
    select 'set constraints ' || string_agg(name, ', ') || ' immediate' from (
        select format('%I.%I', n.nspname, c.conname) as name
        from pg_constraint c join pg_namespace n on n.oid = c.connamespace join pg_class t on t.oid = c.conrelid
        where c.condeferrable and has_schema_privilege(n.oid, 'usage')
        group by n.nspname, c.conname
        having bool_and(t.relpersistence <> 't'
                        and (session_user = current_user or not pg_has_role(session_user, t.relowner, 'member')))) named
$$;

-- A deferred trigger of the company's must raise now and not at the commit, and with the rights that its others have: the owner's.
create or replace function facteur.settle_constraints() returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    statement constant text := facteur.settling();
begin
    if statement is not null then
        execute statement;
    end if;
end $$;

-- Whether a row has had its rejection and is its owner's since: "pending" there means once more, also where the view does not show it. What is
-- heard of that rejection later, such as its reason, is not written over it; another verdict is, and so is one that the row lost.
create or replace function facteur.is_owners(s facteur.submissions) returns boolean
    language sql stable as $$
    select s.state = 'rejected' and s.written_status = 'rejected'
       and (s.write_back_due_at is null
            or exists (select from facteur.read_row(s.invoice_id) l where facteur.word((l.shown).technical_status) = 'pending'))
$$;

-- Give the company's row the submission's verdict, and its own history table the statuses it has not had. In a sub-block: a
-- locked row, a trigger that raises, or a row that shows something else afterwards leaves everything else recorded, and
-- write_back_due_at says when to try again. The note that the write itself caused says nothing new, unless the view raises on the row, or a
-- trigger has made another invoice of it.
create or replace function facteur.try_write_back(p_submission_id bigint, p_lock_timeout text default '500ms') returns boolean
    language plpgsql as $$
declare
    s facteur.submissions;
    e facteur.status_events;
    shown text;
    written record;
    apart text;
    owners boolean;
    anew boolean;
    last_note bigint := (select case when is_called then last_value else 0 end from facteur.changes_id_seq);
begin
    select * into s from facteur.submissions where id = p_submission_id;
    shown := facteur.shown_status(s.state, s.mismatch);
    perform set_config('lock_timeout', p_lock_timeout, true);
    begin
        apart := (select c.what from facteur.came_apart() c where c.code <> 'not_watched' limit 1) where not facteur.belong_together();
        if apart is not null then
            raise '%: nothing is written back before that is put right', apart using errcode = 'FR003';
        end if;
        owners := facteur.is_owners(s);
        perform facteur.write_back(s.invoice_id, shown, s.platform_id, s.lifecycle_code) where not owners;
        for e in
            select * from facteur.status_events -- those of a deposit that the platform called a duplicate are not the invoice's
            where submission_id = s.id and written_at is null and (platform_id = s.platform_id or s.state = 'failed' and exists (
                select from facteur.attempts a where a.platform_id = status_events.platform_id and a.outcome = 'rejected'))
            order by occurred_at, id
        loop
            perform facteur.write_status(s.invoice_id, e.code, e.label, concat_ws(': ', e.reason, e.message), e.occurred_at);
            update facteur.status_events set written_at = facteur.now() where id = e.id;
        end loop;
        perform facteur.settle_constraints();
        select * into written from facteur.compare_written(s.invoice_id, shown, s.platform_id);
        anew := case when written.seen then facteur.asks_anew(s) end;
        if written.differing is not null and not owners and not anew then
            raise 'the row does not show the % that was written: a trigger, a rule, row security or the view keeps it away', written.differing
                using errcode = 'FR004';
        end if;
        update facteur.submissions set write_back_due_at = null, write_back_error = null, unwritten_since = null, written_status = shown,
            unverified_at = case when written.seen then null else facteur.now() end
        where id = s.id;
        delete from facteur.changes
        where id > last_note and transaction_id = pg_current_xact_id() and invoice_ids = array[s.invoice_id] and written.seen is not null and written.differing is null
              and anew is not true;
        return true;
    exception when others or assert_failure or query_canceled then -- a failed `assert` and a timeout are no "others"
        update facteur.submissions set write_back_error = sqlstate || ': ' || sqlerrm, unwritten_since = coalesce(unwritten_since, facteur.now()),
            write_back_due_at = facteur.now() + least(interval '1 hour', greatest(interval '5 seconds', 2 * (facteur.now() - updated_at)))
        where id = s.id;
        return false;
    end;
end $$;

-- Many of the company's rows in one transaction: it hardly waits for a lock and is soon over, so that a writer who holds one of
-- them and wants another is served before Postgres looks for a deadlock (after a second) and chooses him.
create or replace function facteur.repeat_write_backs(p_limit integer, out written integer, out refused integer)
    language plpgsql as $$
declare
    due bigint;
begin
    written := 0; refused := 0;
    for due in
        select id from facteur.submissions where write_back_due_at <= facteur.now()
        order by write_back_due_at limit p_limit for update skip locked
    loop
        if facteur.try_write_back(due, '20ms') then
            written := written + 1;
        else
            refused := refused + 1;
        end if;
        exit when clock_timestamp() > statement_timestamp() + interval '500 milliseconds';
    end loop;
end $$;
