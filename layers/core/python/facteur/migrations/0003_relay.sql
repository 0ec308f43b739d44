-- Relay: notes become submissions, due submissions go onto the queue.

-- Note invoices for another look.
create function facteur.note(p_ids text[], p_due_at timestamptz default '-infinity', p_error text default null) returns void
    language sql as $$
    insert into facteur.changes (invoice_ids, due_at, error) select p_ids, p_due_at, p_error where cardinality(p_ids) > 0
$$;

-- The value a back office sees for each state.
create function facteur.technical_status(p_state text) returns text
    language sql immutable parallel safe as $$
    select case p_state
        when 'submitted' then 'validated' when 'closed' then 'validated'
        when 'rejected' then 'rejected' when 'failed' then 'error'
        else 'pending' end
$$;

-- What a row is shown: a deposited one that asks for another invoice now goes to a person, for that one is not deposited.
create function facteur.shown_status(p_state text, p_mismatch text) returns text
    language sql immutable parallel safe as $$
    select case when p_mismatch is not null and p_state in ('submitted', 'closed') then 'error' else facteur.technical_status(p_state) end
$$;

-- Whether a row shows a deposit's id: a column of type uuid sets hyphens.
create function facteur.same_deposit(p_shown text, p_platform_id text) returns boolean
    language sql immutable parallel safe as $$
    select replace(facteur.word(p_shown), '-', '') is not distinct from replace(facteur.word(p_platform_id), '-', '')
$$;

create function facteur.mismatch_in_words(p_number text, p_seller text, p_sent_number text, p_sent_seller text) returns text
    language sql stable as $$
    select format('The row asks for invoice %s of %s, and %s of %s was sent for its key. Give another invoice a row of its own, '
                  'or put the number back and set technical_status to ''pending''.', p_number, p_seller, p_sent_number, p_sent_seller)
$$;

-- Something that sets a row back to pending after every verdict must not spend the whole budget: from the fourth time in a day
-- on, each waits for longer.
create function facteur.repeat_pause(p_invoice_id text) returns interval
    language sql stable as $$
    select case when count(*) < 3 then interval '0' else least(interval '1 hour', interval '5 seconds' * power(2, least(count(*), 12))) end
    from facteur.submissions where invoice_id = p_invoice_id and finalized_at > facteur.now() - interval '1 day'
$$;

-- The account whose credentials deposit an invoice that is opened at this moment.
create function facteur.routed(p_account text, p_at timestamptz) returns text
    language plpgsql stable as $$
begin
    return coalesce((select r.credentials from facteur.routes r where r.account = p_account and r.since <= p_at
                     order by r.since desc, r.id desc limit 1), p_account);
end $$;

-- Routes that have begun: note what still waits to be sent with other credentials, so that it is judged anew; for a while, as a slow
-- run may yet commit what it opened before. How many accounts they are of.
create function facteur.apply_routes() returns integer
    language plpgsql as $$
declare
    begun text[];
    left_behind text[];
begin
    with applied as (
        update facteur.routes set applied_at = facteur.now() where applied_at is null and since <= facteur.now() returning account
    )
    select coalesce(array_agg(distinct account), '{}') into begun from (
        select account from applied union all select account from facteur.routes where applied_at > facteur.now() - interval '15 minutes'
    ) routed;
    select coalesce(array_agg(distinct former.account), '{}') into left_behind from unnest(begun) named
    cross join lateral (select named as account union select r.credentials from facteur.routes r where r.account = named) former
    where former.account <> facteur.routed(named, facteur.now());
    perform facteur.note(array_agg(waiting.invoice_id)) from (
        select s.invoice_id, (row_number() over () - 1) / 1000 as chunk from facteur.submissions s
        where s.state = 'pending' and s.account = any (left_behind)
    ) waiting group by chunk;
    return cardinality(begun);
end $$;

-- Judge noted invoices: a ready one without a live submission gets one, in doubt from the start where an earlier attempt's
-- outcome is unknown. Where the row shows another status than it was given, or another deposit than the invoice has (an ORM saved a
-- stale row), it is written again; but a row that is taken back before anything was sent is its owner's, and "pending" after a final verdict means: once more. A row
-- that asks for another invoice than the one sent for it (its key was used again, its number changed) is a mismatch; new ones are
-- counted, for such a row is shown an error. A doubt stays with the account that it arose with; anything else goes to the one that
-- the row's account is routed to now.
create function facteur.open_submissions(p_ids text[], p_provider text, out opened integer, out repeated integer, out mismatched integer,
                                         out not_shown integer)
    language plpgsql as $$
declare
    shows_status constant boolean := facteur.source_column('technical_status') <> 'null';
    shows_deposit constant boolean := facteur.source_column('submission_id') <> 'null';
    too_early text[];
begin
    with shown as materialized (
        select * from facteur.read_invoices(p_ids, 0)
    ), routes as materialized (
        select named.account as name, facteur.routed(named.account, facteur.now()) as account
        from (select distinct account from shown) named
    ), source as materialized (
        select i.invoice_id, i.ready, r.account, i.invoice_number, i.seller_siren, i.issue_date, i.total, i.currency,
               facteur.word(i.technical_status) as technical_status, i.submission_id as shown_deposit
        from shown i join routes r on r.name = i.account
    ), latest as materialized (
        select distinct on (s.invoice_id) s.* from facteur.submissions s
        where s.invoice_id = any (p_ids) order by s.invoice_id, s.id desc
    ), judged as materialized (
        select i.*, l.id as latest_id, l.state as latest_state, l.platform_id as deposit, l.write_back_due_at, l.mismatch as known_mismatch,
               coalesce(l.state not in ('rejected', 'failed'), false) as live,
               d.id is not null as doubtful, coalesce(d.account, i.account) as spender,
               case when not i.ready then l.mismatch
                    when sent.invoice_number is not null
                         and (i.invoice_number, i.seller_siren) is distinct from (sent.invoice_number, sent.seller_siren)
                    then facteur.mismatch_in_words(i.invoice_number, i.seller_siren, sent.invoice_number, sent.seller_siren)
                    when l.state in ('submitted', 'closed') then l.objection end as mismatch
        from source i left join latest l on l.invoice_id = i.invoice_id
        left join lateral (
            select a.* from facteur.doubtful_attempts(i.invoice_id) a
            order by a.platform_id = l.platform_id desc nulls last, a.id desc limit 1
        ) d on true
        cross join lateral ( -- what was sent, not what the row asked for when its submission was opened
            select coalesce(d.invoice_number, o.invoice_number) as invoice_number, coalesce(d.seller_siren, o.seller_siren) as seller_siren
            from (select case when l.state in ('sending', 'in_doubt', 'submitted', 'closed') then l.invoice_number end as invoice_number,
                         l.seller_siren) o
        ) sent
    ), accounts as (
        insert into facteur.budgets (key) select distinct 'account:' || account from judged where ready
        on conflict do nothing
    ), inserted as (
        insert into facteur.submissions (invoice_id, account, provider, state, due_at, doubt_since,
                                         invoice_number, seller_siren, issue_date, total, currency, mismatch)
        select invoice_id, spender, p_provider, case when doubtful then 'in_doubt' else 'pending' end,
               facteur.now() + facteur.repeat_pause(invoice_id), case when doubtful then facteur.now() end, invoice_number, seller_siren, issue_date, total, currency,
               case when doubtful then mismatch end
        from judged where ready and not live and write_back_due_at is null
        order by invoice_id -- two relays that wait for each other's rows do so in one order
        on conflict (invoice_id) where state not in ('rejected', 'failed') do nothing
        returning 1
    ), moved as ( -- corrected while nothing was sent: `tries` makes what was read before stale
        update facteur.submissions s set account = case when j.doubtful then s.account else j.account end,
            due_at = case when s.account <> j.account and not j.doubtful then facteur.now() else s.due_at end, queued_at = null,
            tries = s.tries + 1, invoice_number = j.invoice_number, seller_siren = j.seller_siren, mismatch = j.mismatch
        from judged j
        where s.id = j.latest_id and s.id = any (array(select latest_id from judged)) and s.state = 'pending' and j.ready
          and (s.account <> j.account and not j.doubtful
               or s.queued_at is not null -- somebody may have read it already
               or (s.invoice_number, s.seller_siren) is distinct from (j.invoice_number, j.seller_siren))
        returning s.id
    ), written_again as (
        update facteur.submissions s set write_back_due_at = coalesce(s.write_back_due_at, facteur.now()),
            mismatch = case when j.live then j.mismatch else s.mismatch end
        from judged j
        where s.id = j.latest_id and s.id = any (array(select latest_id from judged)) -- lest a planner read them all
          and s.id not in (select id from moved) -- one statement changes a row once
          and (j.live and s.mismatch is distinct from j.mismatch
               or s.write_back_due_at is null
                  and case when j.latest_state = 'pending' then j.doubtful
                           else j.live or j.technical_status in ('validated', 'rejected', 'error') end
                  and (case when shows_status then j.technical_status is distinct from facteur.shown_status(j.latest_state, j.mismatch)
                            else j.ready and facteur.technical_status(j.latest_state) <> 'pending' end
                       or shows_deposit and j.live and j.deposit is not null and not facteur.same_deposit(j.shown_deposit, j.deposit)))
        returning 1
    )
    select (select count(*) from inserted), (select count(*) from written_again),
           (select count(*) from judged where mismatch is not null and case
                when live then known_mismatch is null and latest_state <> 'pending'
                else ready and doubtful and write_back_due_at is null end),
           (select count(*) from unnest(p_ids) key where key not in (select invoice_id from shown)),
           -- "pending" in the row means nothing before the last verdict has been written there
           (select array_agg(invoice_id) from judged where ready and not live and write_back_due_at is not null)
    into opened, repeated, mismatched, not_shown, too_early;
    perform facteur.note(too_early, facteur.now() + interval '1 minute', 'the last verdict is not yet written back');
end $$;

-- Judge them all, and where the company's view raises, halve until the key that raises stands alone: it becomes a note of its own.
create function facteur.judge(p_ids text[], p_provider text,
                              out opened integer, out repeated integer, out mismatched integer, out broken integer, out not_shown integer)
    language plpgsql as $$
declare
    half constant integer := cardinality(p_ids) / 2;
    began constant timestamptz := clock_timestamp();
begin
    select o.opened, o.repeated, o.mismatched, 0, o.not_shown into opened, repeated, mismatched, broken, not_shown
    from facteur.open_submissions(p_ids, p_provider) o;
exception when others or assert_failure or query_canceled then -- a statement's timeout strikes once
    if half = 0 or sqlstate = '55P03' and clock_timestamp() - began > interval '1 second' then -- somebody holds the table, not a row
        perform facteur.note(p_ids, facteur.now() + case when sqlstate = '55P03' then interval '1 minute' else interval '5 minutes' end,
                             sqlstate || ': ' || sqlerrm);
        opened := 0; repeated := 0; mismatched := 0; broken := cardinality(p_ids); not_shown := 0;
    else
        select sum(j.opened), sum(j.repeated), sum(j.mismatched), sum(j.broken), sum(j.not_shown)
        into opened, repeated, mismatched, broken, not_shown
        from (select * from facteur.judge(p_ids[:half], p_provider)
              union all select * from facteur.judge(p_ids[half + 1:], p_provider)) j;
    end if;
end $$;

-- Where to look for notes from. A database that was restored into a younger cluster begins anew: there, ids of transactions are lower.
create function facteur.notes_seen() returns pg_snapshot
    language sql stable as $$
    select case when pg_snapshot_xmax(notes_seen) <= pg_snapshot_xmax(pg_current_snapshot()) then notes_seen else '1:1:'::pg_snapshot end
    from facteur.installation
$$;

create function facteur.any_note(p_seen pg_snapshot) returns boolean
    language plpgsql stable set enable_seqscan = off as $$
begin
    return exists (select from facteur.changes where due_at = '-infinity' and transaction_id >= pg_snapshot_xmax(p_seen))
        or exists (select from facteur.changes where due_at = '-infinity' and transaction_id = any (array(select pg_snapshot_xip(p_seen))));
end $$;

-- Take due notes away. Where there is none that this transaction can see, not even one that another relay has locked, the next
-- look begins where this one did: what commits meanwhile is of a transaction that is not in now_seen, or still under way in it.
create function facteur.consume_notes(p_limit integer, out notes integer, out ids text[], out oldest_seconds double precision)
    language plpgsql set enable_seqscan = off as $$
declare
    seen constant pg_snapshot := facteur.notes_seen();
    now_seen constant pg_snapshot := pg_current_snapshot();
begin
    with fresh as materialized (
        select id from facteur.changes where due_at = '-infinity' and transaction_id >= pg_snapshot_xmax(seen)
        order by transaction_id limit p_limit for update skip locked
    ), slow as materialized ( -- of transactions that were under way when notes were last looked for
        select id from facteur.changes where due_at = '-infinity' and transaction_id = any (array(select pg_snapshot_xip(seen)))
        limit p_limit for update skip locked
    ), later as materialized (
        select id from facteur.changes where due_at > '-infinity' and due_at <= facteur.now() order by due_at limit p_limit for update skip locked
    ), taken as (
        delete from facteur.changes c -- by an array of keys: as a join it may walk over every dead note
        where c.id = any (array(select id from fresh union select id from slow union select id from later))
        returning c.id, c.invoice_ids, case when c.due_at = '-infinity' then c.noted_at end as noted_at
    )
    select count(distinct taken.id), array_agg(distinct key) filter (where key is not null),
           extract(epoch from clock_timestamp() - now() + facteur.now() - min(taken.noted_at)) into notes, ids, oldest_seconds
    from taken left join lateral unnest(taken.invoice_ids) key on true;
    if notes = 0 and pg_snapshot_xmax(now_seen) > pg_snapshot_xmax(seen) and not facteur.any_note(seen) then
        update facteur.installation set notes_seen = now_seen
        where notes_seen::text = seen::text or pg_snapshot_xmax(notes_seen) > pg_snapshot_xmax(now_seen); -- nobody began anew meanwhile
    end if;
end $$;

-- Consume due notes. Exactly the notes read are deleted, in the transaction that judges them. oldest_seconds: since the writer's
-- transaction began (null: none of them is a writer's). not_shown: keys that the view does not show; a row is not deleted every day.
create function facteur.take_notes(p_provider text, p_limit integer,
                                   out notes integer, out opened integer, out repeated integer, out broken integer, out mismatched integer, out oldest_seconds double precision, out not_shown integer)
    language plpgsql as $$
declare
    ids text[];
begin
    select c.notes, c.ids, c.oldest_seconds into notes, ids, oldest_seconds from facteur.consume_notes(p_limit) c;
    if facteur.everything() = any (ids) then -- the time of this moment: whoever wrote has committed by now
        update facteur.installation set everything_noted_at = facteur.now() + (clock_timestamp() - now());
        ids := array_remove(ids, facteur.everything());
    end if;
    select j.opened, j.repeated, j.broken, j.mismatched, j.not_shown into opened, repeated, broken, mismatched, not_shown
    from facteur.judge(coalesce(ids, '{}'), p_provider) j where ids is not null;
    opened := coalesce(opened, 0); repeated := coalesce(repeated, 0); broken := coalesce(broken, 0); mismatched := coalesce(mismatched, 0);
    not_shown := coalesce(not_shown, 0);
end $$;

-- Invoices that are ready and have neither a note nor a live submission: written past the triggers (logical replication,
-- `attach partition`, a disabled trigger). Notes them and says how many; once a day, five minutes after the last time where a note says
-- no key, and where it is forced. A view that does not
-- show the status stays ready after a rejection, so there any submission counts. A row on which the view raises hides nobody
-- else: then the keys are looked through in portions, and a portion that raises is left to the relay to judge.
create function facteur.note_forgotten(p_force boolean default false) returns integer
    language plpgsql as $$
declare
    known constant text := case when facteur.source_column('technical_status') = 'null' then 'true'
                                else 'l.state not in (''rejected'', ''failed'') or l.write_back_due_at is not null' end;
    unknown constant text := 'from facteur.invoice_source s where not exists '
        '(select from facteur.submissions l where l.invoice_id operator(pg_catalog.=) s.invoice_id::text and (' || known || ')) '
        'and s.invoice_id::text not in (select unnest(invoice_ids) from facteur.changes)';
    ready constant text := 'select array_agg(s.invoice_id::text) ' || unknown || ' and s.ready';
    portion text[];
    ids text[];
    forgotten integer := 0;
begin
    if to_regclass('facteur.invoice_source') is null then
        return 0;
    end if;
    -- not a lock on the row that every run of the relay counts up: this may take long
    if not pg_try_advisory_xact_lock(7161838) or not p_force and exists (
        select from facteur.installation
        where forgotten_checked_at >= facteur.now() - case when everything_noted_at >= forgotten_checked_at then interval '5 minutes' else interval '1 day' end) then
        return null;
    end if;
    perform facteur.bound_locks();
    begin
        execute ready into ids;
        perform facteur.note(ids);
        forgotten := coalesce(cardinality(ids), 0);
    exception when others or assert_failure or query_canceled then
        begin
            for portion in execute 'select array_agg(key) from (select s.invoice_id::text as key, row_number() over () / 1000 as portion '
                                   || unknown || ') keys group by portion' loop
                begin
                    execute ready || format(' and s.invoice_id operator(pg_catalog.=) any ($1::%s[])', facteur.key_type()) into ids using portion;
                    forgotten := forgotten + coalesce(cardinality(ids), 0);
                exception when others or assert_failure then
                    ids := portion;
                end;
                perform facteur.note(ids);
            end loop;
        exception when others or assert_failure then
            raise warning 'facteur.invoice_source does not even show its keys: %', sqlerrm; -- a volatile column that raises
            forgotten := null;
        end;
    end;
    -- The relay begins its next look anew: in a cluster that was younger than notes_seen when this database was restored into it,
    -- notes that nobody looked at before it came of age would hide behind notes_seen for ever.
    update facteur.installation set forgotten_checked_at = facteur.now(), notes_seen = '1:1:';
    return forgotten;
end $$;

-- Invoices that the view's optional column `finished` shows as finished and that lack something to be ready, such as a document.
-- Counted once a day, and each hour while there are some; what raises is left to the relay to tell.
create function facteur.count_not_ready() returns void
    language plpgsql as $$
begin
    update facteur.installation set not_ready_counted_at = facteur.now()
    where not_ready_counted_at < facteur.now() - case when not_ready > 0 then interval '1 hour' else interval '1 day' end;
    if not found or facteur.source_column('finished') = 'null' then
        return;
    end if;
    perform facteur.bound_locks();
    begin
        execute 'update facteur.installation set not_ready = c.n, not_ready_since = c.since, not_ready_id = c.key from ('
                '  select count(*)::integer as n, min(s.issue_date::date)::timestamptz as since,'
                '         (array_agg(s.invoice_id::text order by s.issue_date::date))[1] as key'
                '  from facteur.invoice_source s where s.finished and not s.ready and not exists ('
                '    select from facteur.submissions l where l.invoice_id operator(pg_catalog.=) s.invoice_id::text)) c';
    exception when others or assert_failure or query_canceled then
        raise warning 'facteur.invoice_source does not show what is finished: %', sqlstate;
    end;
end $$;

-- A worker died: its lease is over, or ends later than any lease can, because the clock has been set back. An open attempt may have
-- deposited; where its worker lives after all, its outcome still counts.
create function facteur.end_expired_leases() returns integer
    language sql as $$
    with expired as (
        select id, lease_token, lease_until from facteur.submissions
        where state = 'sending' and (due_at <= facteur.now() or due_at > facteur.now() + interval '1 hour') order by due_at limit 1000 for update skip locked
    ), doubtful as (
        update facteur.attempts a set outcome = 'unknown', code = 'lease_expired',
               message = 'the worker did not report before its lease ended'
        from expired e where a.submission_id = e.id and a.lease_token = e.lease_token and a.outcome is null
        returning e.id, a.account, a.platform
    ), pinned as ( -- a doubt belongs to the client that made it
        update facteur.installation set pins = (select jsonb_object_agg(account, platform) from doubtful where platform is not null) || pins
        where exists (select from doubtful where platform is not null and not pins ? account)
    ), ended as (
        update facteur.submissions s
        set state = case when s.id in (select id from doubtful) then 'in_doubt' else 'pending' end,
            doubt_since = least(e.lease_until, facteur.now()), duplicate_verdict = false, empty_lookups = 0, lease_token = null, lease_until = null,
            due_at = facteur.now(), updated_at = facteur.now(),
            last_error_code = 'lease_expired', last_error_message = 'the worker did not report before its lease ended'
        from expired e where s.id = e.id
        returning 1
    )
    select count(*)::integer from ended
$$;

-- Lock the rows to put on the queue, doubts first, then oldest first: what would get its permits now, less what was queued a moment ago, and never
-- more than a minute's worth altogether. More would only travel to be sent back. Look-ups get half of the permits at most while
-- deposits wait. An account whose breaker is open, or that was refused, gets one message: its reader first makes a harmless read.
-- The caller sends the ids, marks what SQS accepted, and commits; a claim waits for that commit.
create function facteur.pick_due(p_limit integer, p_per_minute double precision, p_deposits_enabled boolean) returns setof bigint
    language plpgsql as $$
declare
    moment constant interval := '10 seconds'; -- an older message is lost or its reader slow: nobody waits for it
    look_up constant integer := 3; -- permits, as in claim
    budget record;
    address double precision;
    allowed double precision;
    doubts_only boolean;
    deposits integer; -- that may go
    ids bigint[];
    spent double precision;
begin
    -- Who vanishes between picking and marking leaves these rows locked for so long, and no longer.
    perform set_config('idle_in_transaction_session_timeout', '60s', true), facteur.bound_locks();
    update facteur.submissions set queued_at = null -- its message was lost
    where id in (select id from facteur.submissions where queued_at < facteur.now() - interval '30 minutes' for update skip locked);
    select facteur.held(b, p_per_minute) - coalesce((
        select sum(case state when 'in_doubt' then look_up else 1 end) from facteur.submissions
        where queued_at > facteur.now() - moment), 0) into address from facteur.budgets b where b.key = 'address';
    for budget in
        select substr(b.key, 9) as account, one, least(p_per_minute, b.per_minute) as rate, facteur.deposits_admitted(b) as admitted,
               case when one then 1 else facteur.held(b, p_per_minute) end as permits
        from facteur.budgets b, lateral (select b.probing or coalesce(b.recovery = 'read', false) as one) probed
        where b.key like 'account:%' and not facteur.paused(b)
        order by random() -- they share the address: none is always first
    loop
        select least(p_limit, budget.rate - count(*), address, budget.permits - coalesce(
                   sum(case state when 'in_doubt' then look_up else 1 end) filter (where queued_at > facteur.now() - moment), 0)) into allowed
        from facteur.submissions where account = budget.account and queued_at is not null;
        continue when allowed < 1;
        doubts_only := budget.one and exists (
            select from facteur.submissions
            where account = budget.account and queued_at is null and due_at <= facteur.now() and state = 'in_doubt');
        deposits := case when doubts_only or not p_deposits_enabled then 0 when budget.one or budget.admitted is null then floor(allowed)
                         when exists (select from facteur.submissions where account = budget.account and state = 'pending'
                                      and queued_at > facteur.now() - moment) then 0
                         else budget.admitted end;
        with doubts as materialized (
            select id, due_at from facteur.submissions
            where account = budget.account and queued_at is null and due_at <= facteur.now() and state = 'in_doubt'
            order by due_at, id
            limit case when deposits > 0 and exists (
                           select from facteur.submissions
                           where account = budget.account and queued_at is null and due_at <= facteur.now() and state = 'pending')
                       then greatest(1, floor(allowed / 2 / look_up)) else ceil(allowed / look_up) end
            for update skip locked
        ), fresh as materialized (
            select id, due_at from facteur.submissions
            where account = budget.account and queued_at is null and due_at <= facteur.now() and state = 'pending'
            order by due_at, id limit deposits for update skip locked
        ), afforded as (
            select id, cost, sum(cost) over (order by urgency, due_at, id) - cost as before
            from (select id, due_at, look_up as cost, 1 as urgency from doubts
                  union all select id, due_at, 1, 2 from fresh) due
        )
        select coalesce(array_agg(id order by before), '{}'), coalesce(sum(cost), 0) into ids, spent
        from afforded where before < floor(allowed);
        address := address - spent;
        return query select unnest(ids);
    end loop;
end $$;

create function facteur.mark_queued(p_ids bigint[]) returns integer
    language sql as $$
    with marked as (
        update facteur.submissions set queued_at = facteur.now() where id = any (p_ids) and state in ('pending', 'in_doubt') returning 1
    )
    select count(*)::integer from marked
$$;

-- One cheap look for the watching relay: is there anything to do, and is this still the newest run?
create function facteur.look(p_run bigint, p_deposits_enabled boolean, out anything boolean, out newest boolean)
    language sql stable as $$
    select facteur.any_note(facteur.notes_seen())
        or exists (select from facteur.changes where due_at > '-infinity' and due_at <= facteur.now())
        or exists (select from facteur.submissions where queued_at is null and state in ('pending', 'in_doubt') and due_at <= facteur.now()
                   and (state = 'in_doubt' or p_deposits_enabled))
        or exists (select from facteur.submissions where state = 'sending' and due_at <= facteur.now())
        or exists (select from facteur.submissions where write_back_due_at <= facteur.now()),
        (select relay_run = p_run from facteur.installation)
$$;

-- What a clock noted that was ahead is no later than now. Not least(): that would make an instant of none.
create function facteur.by_now(p_at timestamptz) returns timestamptz
    language sql stable as $$
    select case when p_at > facteur.now() then facteur.now() else p_at end
$$;

-- What a clock that was ahead wrote into a bucket: its filling goes on from now, and a pause of its own ends as much earlier as the
-- clock was ahead. A person's pause stays.
create function facteur.thaw_budgets() returns void
    language sql as $$
    update facteur.budgets set refilled_at = facteur.now(), slowed_at = facteur.by_now(slowed_at),
        refused_at = facteur.by_now(refused_at), paused_until = paused_until - (refilled_at - facteur.now()),
        deposits_at = deposits_at - (refilled_at - facteur.now())
    where refilled_at > facteur.now() + interval '1 minute'
$$;

-- An instant that a clock planned which was ahead by so much; what is past stays.
create function facteur.brought_forward(p_at timestamptz, p_ahead interval) returns timestamptz
    language sql stable as $$
    select case when p_at > facteur.now() then greatest(facteur.now(), p_at - p_ahead) else p_at end
$$;

-- The clock has been set back since the relay last ran: whatever was planned or noted by the one that was ahead would wait for as long
-- as it was. A lease ends by itself (end_expired_leases), a bucket thaws. Locks the rows that lie in the future, in no order: the only
-- writer of many, and repeated by the next run where it fails.
create function facteur.follow_clock() returns void
    language plpgsql as $$
declare
    ahead constant interval := (select relay_began_at - facteur.now() from facteur.installation);
begin
    if ahead is null or ahead < interval '1 minute' then
        return;
    end if;
    update facteur.submissions set due_at = facteur.brought_forward(due_at, ahead), queued_at = facteur.by_now(queued_at),
        doubt_since = facteur.by_now(doubt_since), write_back_due_at = facteur.brought_forward(write_back_due_at, ahead),
        history_due_at = facteur.brought_forward(history_due_at, ahead), alone_since = facteur.by_now(alone_since)
    where state <> 'sending'
      and facteur.now() < greatest(due_at, queued_at, doubt_since, write_back_due_at, history_due_at, alone_since);
    update facteur.changes set due_at = facteur.brought_forward(due_at, ahead) where due_at > facteur.now();
    update facteur.sweeps set taken_until = facteur.brought_forward(taken_until, ahead), told_at = facteur.by_now(told_at),
        by_number_until = facteur.brought_forward(by_number_until, ahead)
    where facteur.now() < greatest(taken_until, told_at, by_number_until);
end $$;

create function facteur.begin_relay_run(p_deposits_enabled boolean default null, p_per_minute double precision default null) returns bigint
    language sql as $$
    select facteur.follow_clock();
    select facteur.apply_routes();
    select facteur.thaw_budgets();
    update facteur.installation set relay_run = relay_run + 1, relay_began_at = facteur.now(), deposits_enabled = p_deposits_enabled,
        requests_per_minute = p_per_minute
    returning relay_run
$$;

-- While deposits are off, what waits to be sent is not overdue.
create function facteur.oldest_overdue_seconds(p_deposits_enabled boolean default true) returns double precision
    language sql stable set plan_cache_mode = 'force_generic_plan' as $$ -- to plan it takes longer than to run it
    select coalesce(extract(epoch from facteur.now() - min(due_at)), 0)::double precision from (
        select min(due_at) as due_at from facteur.submissions
        where queued_at is null and state in ('pending', 'in_doubt') and (state = 'in_doubt' or p_deposits_enabled)
        union all select min(due_at) from facteur.submissions where state = 'sending'
        union all select min(due_at) from facteur.submissions where state = 'submitted'
        union all select min(due_at) from facteur.submissions where queued_at is not null -- queued_at is renewed each half hour
        union all select min(write_back_due_at) from facteur.submissions where write_back_due_at is not null
    ) open where due_at < facteur.now()
$$;

create function facteur.oldest_doubt_seconds() returns double precision
    language sql stable as $$
    select coalesce(extract(epoch from facteur.now() - min(doubt_since)), 0)::double precision
    from facteur.submissions where state = 'in_doubt'
$$;
