-- The right to call the platform for a submission: one worker at a time, with an attempt committed before anything leaves. Whoever
-- dies leaves a lease that ends and an attempt of unknown outcome. Locks: submissions by id, then buckets by key.

-- A worker died: its lease is over, or ends later than any lease can, because the clock has been set back. An open attempt may have
-- deposited; where its worker lives after all, its outcome still counts. One that was stopped meanwhile is a person's.
create or replace function facteur.end_expired_leases() returns integer
    language sql as $$
    with expired as (
        select id, lease_token, lease_until, objection is not null as stopped from facteur.submissions
        where state = 'sending' and (due_at <= facteur.now() or due_at > facteur.now() + interval '1 hour') order by due_at limit 1000 for update skip locked
    ), doubtful as (
        update facteur.attempts a set outcome = 'unknown', code = 'lease_expired',
               message = 'the worker did not report before its lease ended'
        from expired e where a.submission_id = e.id and a.lease_token = e.lease_token and a.outcome is null
        returning e.id, a.account, a.platform
    ), pinned as ( -- a doubt belongs to the client that made it
        update facteur.accounts a set pin = d.platform
        from (select distinct on (account) account, platform from doubtful where platform is not null order by account, id) d
        where a.name = d.account and a.pin is null
    ), ended as (
        update facteur.submissions s
        set state = case when e.stopped then 'failed' else led.state end, -- a person's
            doubt_since = least(e.lease_until, facteur.now()), duplicate_verdict = false, empty_lookups = 0, lease_token = null, lease_until = null,
            due_at = case when not e.stopped then facteur.now() end, updated_at = facteur.now(),
            last_error_code = case when e.stopped then s.objection_code else 'lease_expired' end,
            last_error_message = case when e.stopped then facteur.stopped_in_words(s.objection, led.state)
                                      else 'the worker did not report before its lease ended' end,
            finalized_at = case when e.stopped then facteur.now() end,
            write_back_due_at = case when e.stopped then facteur.now() else s.write_back_due_at end
        from expired e
        cross join lateral (select case when e.id in (select id from doubtful) then 'in_doubt' else 'pending' end as state) led
        where s.id = e.id
        returning 1
    )
    select count(*)::integer from ended
$$;

-- A message that came before: what it names is worked alone, so that a row over which workers die, or raise, takes no other with
-- it. Twice alone before its claim: that is the row's own failure. A worker lives for two minutes at most; one that began later than
-- that may still be at it.
create or replace function facteur.begin_alone(p_submission_id bigint) returns table (invoice_id text, account text, failed boolean)
    language plpgsql set lock_timeout = '10s' as $$
#variable_conflict use_column
declare
    s facteur.submissions;
    died integer;
begin
    select * into s from facteur.submissions where id = p_submission_id and queued_at is not null and state in ('pending', 'in_doubt')
                                                   and due_at <= facteur.now() for update;
    if not found then
        return;
    end if;
    died := s.deaths + coalesce(s.alone_since < facteur.now() - interval '2 minutes', false)::integer;
    update facteur.submissions set deaths = case when died < 2 then died else 0 end,
                                   alone_since = case when died < 2 then facteur.now() end where id = s.id;
    if died >= 2 then
        perform facteur.move_submission(s.id, jsonb_build_object('state', 'failed', 'error_code', 'worker_died', 'error_message',
            'Nothing was sent this time: twice a worker ended over this invoice alone. Look at its document and at the function''s log, '
            'then set technical_status back to ''pending''; if it happens again, please report it.'));
        update facteur.submissions set write_back_due_at = facteur.now() where id = s.id;
    end if;
    return query select s.invoice_id, s.account, died >= 2;
end $$;

-- Work on a row alone has ended. Where it raised before anything was claimed, that counts as a death.
create or replace function facteur.end_alone(p_submission_id bigint, p_raised boolean) returns void
    language sql set lock_timeout = '10s' as $$
    update facteur.submissions set alone_since = null, deaths = case when p_raised then deaths + 1 else 0 end
    where id = p_submission_id and (alone_since is not null or deaths > 0 and not p_raised)
$$;

-- The store in which a document lies, by its address; null: the row itself.
create or replace function facteur.store_of(p_uri text) returns text
    language sql immutable parallel safe as $$
    select case when p_uri like 's3://%' then 's3://' || split_part(substr(p_uri, 6), '/', 1) when p_uri like 'file:%' then 'file:' end
$$;

-- A document of this store was read: whatever waits for it is due at once, but for what was refused while others were read.
create or replace function facteur.store_answered(p_store text) returns void
    language plpgsql as $$
begin
    delete from facteur.stores where name = p_store;
    if found then
        update facteur.submissions set due_at = facteur.now() where id in (
            select id from facteur.submissions where store = p_store and state = 'pending' and queued_at is null and due_at > facteur.now() and waited = interval '0'
            order by id for update skip locked);
    end if;
end $$;

-- Read a batch: what the messages name and still waits, with the company's row as it is now (null: it is gone). read_first: its
-- account was refused, and nothing is deposited before a read of it was answered. doubtful_sha256: what was sent for its invoice with an
-- outcome that nobody knows, also before somebody retried it; not once it, or what came after it, was rejected by a platform or a person.
-- store_refuses: no document of its store could be read since one was refused. store_gives, platform_answers: since this row last failed,
-- another's document was read, or call answered.
create or replace function facteur.read_batch(p_ids bigint[], p_inline_bytes integer)
    returns table (id bigint, state text, account text, invoice_id text, tries integer, waited_seconds double precision,
                   age_seconds double precision, doubtful_sha256 text[], row_exists boolean, source facteur.invoice, read_first boolean,
                   store text, store_refuses boolean, store_gives boolean, platform_answers boolean)
    language plpgsql stable as $$
declare
    invoice_ids text[] := array(select s.invoice_id from facteur.submissions s where s.id = any (p_ids) and s.state = 'pending');
begin
    return query
    select s.id, s.state, s.account, s.invoice_id, s.tries, extract(epoch from s.waited)::double precision,
           extract(epoch from facteur.now() - s.created_at)::double precision,
           array(select distinct a.document_sha256 from facteur.attempts a
                 where a.invoice_id = s.invoice_id and a.submission_id is not null and (a.outcome is null or a.outcome in ('unknown', 'not_found')) and not exists (
                     select from facteur.submissions o where o.invoice_id = a.invoice_id and o.id >= a.submission_id and o.state = 'rejected')),
           i.invoice_id is not null, i,
           coalesce(b.recovery = 'read' and not facteur.paused(b), false), at.store, t.name is not null,
           coalesce(s.store = at.store and t.name is null, false), s.tries > 0 and coalesce(b.failures = 0, true)
    from facteur.submissions s left join facteur.read_invoices(invoice_ids, p_inline_bytes) i on i.invoice_id = s.invoice_id
    cross join lateral (select facteur.store_of(i.document_uri) as store) at
    left join facteur.stores t on t.name = at.store
    left join facteur.budgets b on b.key = 'account:' || s.account
    where s.id = any (p_ids) and s.state in ('pending', 'in_doubt') and s.due_at <= facteur.now()
    order by s.due_at, s.id;
end $$;

-- Rows whose messages arrived, and budgets of their accounts, all in order, or two batches of several accounts would wait for each
-- other. Waits for the relay's mark. A row under a lease is left alone: whoever records it may hold the budget wanted next.
create or replace function facteur.lock_to_claim(p_ids bigint[]) returns void
    language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'on', true);
    perform set_config('lock_timeout', '10s', true);
    perform from facteur.submissions
    where id = any (p_ids) and state in ('pending', 'in_doubt') and due_at <= facteur.now() order by id for update;
    perform from facteur.budgets
    where key = 'address' or key in (select 'account:' || w.account from facteur.submissions w where w.id = any (p_ids)) order by key for update;
end $$;

-- Those of these rows that are queued and due. Any other one has been claimed by another copy of its message.
create or replace function facteur.claimable(p_ids bigint[]) returns setof facteur.submissions
    language sql stable as $$
    select w.* from facteur.submissions w
    where w.id = any (p_ids) and w.queued_at is not null and w.due_at <= facteur.now() and w.state in ('pending', 'in_doubt')
$$;

-- Claim rows whose messages arrived: a lease each, a permit each (three for a look-up, which may need three calls), and for a
-- deposit an attempt, opened with the hash of what is about to be sent. What gets no permit goes back with its age, and that does not
-- count as an attempt. While there are too few, look-ups get half of them at most. An account that was refused deposits one at a time.
create or replace function facteur.claim(p_items jsonb, p_lease_seconds double precision, p_per_minute double precision, p_deposits_enabled boolean)
    returns table (submission_id bigint, verdict text, lease_token uuid, attempt_id bigint, own_key text)
    language plpgsql as $$
declare
    items constant jsonb := (select jsonb_object_agg(given ->> 'id', given) from jsonb_array_elements(p_items) given);
    ids constant bigint[] := array(select id::bigint from jsonb_object_keys(items) id order by 1);
    look_up constant integer := 3; -- permits: search, checksum, download
    spender record;
    s facteur.submissions;
    permits integer;
    one_call boolean; -- a look-up of an account that is not sure to be answered makes one
    admitted integer; -- deposits; null: as many as there are permits
    look_ups integer; -- while deposits wait as well, half of the permits; null: all
    hindrance jsonb;
begin
    perform facteur.lock_to_claim(ids);
    for spender in
        select w.account, sum(case w.state when 'in_doubt' then look_up else 1 end)::integer as wanted, bool_or(w.state = 'pending') as deposits
        from facteur.claimable(ids) w group by w.account order by w.account
    loop
        select b.probing or coalesce(b.recovery = 'read', false), case when p_deposits_enabled then facteur.deposits_admitted(b) else 0 end
        into one_call, admitted from facteur.budgets b where b.key = 'account:' || spender.account;
        permits := facteur.take_permits(spender.account, spender.wanted, p_per_minute);
        look_ups := case when permits < spender.wanted and spender.deposits and coalesce(admitted > 0, true) then greatest(1, permits / 2 / look_up) end;
        for s in
            select w.* from facteur.claimable(ids) w where w.account = spender.account order by w.state, w.due_at, w.id -- doubts first
        loop
            submission_id := s.id; lease_token := null; attempt_id := null; own_key := null;
            if permits < 1 or s.state = 'pending' and admitted < 1 or s.state = 'in_doubt' and look_ups < 1 then
                hindrance := facteur.read_otherwise(s, items -> s.id::text);
                hindrance := coalesce(hindrance, jsonb_build_object('verdict', 'postponed',
                    'due_in_seconds', case when permits > 0 and s.state = 'pending' and not p_deposits_enabled then 60 end));
            else
                hindrance := facteur.hindrance(s, items -> s.id::text);
            end if;
            verdict := coalesce(hindrance ->> 'verdict', 'claimed');
            if hindrance is null then
                select l.lease_token, l.attempt_id, l.own_key into lease_token, attempt_id, own_key
                from facteur.begin_lease(s, items -> s.id::text, p_lease_seconds) l;
                permits := permits - case when s.state = 'in_doubt' and not one_call then look_up else 1 end;
                look_ups := look_ups - case s.state when 'in_doubt' then 1 else 0 end;
                admitted := admitted - case s.state when 'pending' then 1 else 0 end;
            else
                perform facteur.hinder(s, hindrance);
            end if;
            return next;
        end loop;
        -- given back, or owed: a look-up that had to wait for three permits at once would starve beside deposits
        update facteur.budgets set tokens = tokens + permits where key in ('address', 'account:' || spender.account) and permits <> 0;
    end loop;
end $$;

-- Begin the lease of a row, and of a deposit its attempt, with what is about to be sent.
create or replace function facteur.begin_lease(s facteur.submissions, p_item jsonb, p_lease_seconds double precision, out lease_token uuid,
                                               out attempt_id bigint, out own_key text)
    language plpgsql as $$
begin
    lease_token := gen_random_uuid();
    if s.state = 'pending' then
        own_key := case when (p_item ->> 'takes_key')::boolean then coalesce(facteur.doubtful_key(s.invoice_id, p_item ->> 'sha256'), s.own_key) end;
        update facteur.budgets b set deposits_at = facteur.now() + make_interval(secs => p_lease_seconds) -- no second one beside it
        where b.key = 'account:' || s.account and facteur.deposits_admitted(b) is not null;
        insert into facteur.attempts (submission_id, invoice_id, account, lease_token, document_sha256,
                                      invoice_number, seller_siren, total, currency, platform, own_key, number_read)
        values (s.id, s.invoice_id, s.account, begin_lease.lease_token, p_item ->> 'sha256', p_item ->> 'invoice_number', p_item ->> 'seller_siren',
                (p_item ->> 'total')::numeric, p_item ->> 'currency', p_item -> 'platform', begin_lease.own_key, coalesce((p_item ->> 'number_read')::boolean, true))
        returning id into attempt_id;
        s.document_sha256 := p_item ->> 'sha256'; s.invoice_number := p_item ->> 'invoice_number'; s.seller_siren := p_item ->> 'seller_siren';
        s.total := p_item ->> 'total'; s.currency := p_item ->> 'currency'; s.issue_date := p_item ->> 'issue_date'; s.mismatch := null;
    end if;
    update facteur.submissions w set queued_at = null, lease_token = begin_lease.lease_token,
        state = case s.state when 'pending' then 'sending' else 'in_doubt' end,
        excused = case s.state when 'in_doubt' then w.excused + greatest(interval '0', facteur.now() - w.due_at) else w.excused end,
        lease_until = facteur.now() + make_interval(secs => p_lease_seconds),
        due_at = facteur.now() + make_interval(secs => p_lease_seconds), updated_at = facteur.now(),
        client = coalesce(md5(nullif(p_item -> 'platform', 'null')::text), w.client),
        document_sha256 = s.document_sha256, invoice_number = s.invoice_number, seller_siren = s.seller_siren, total = s.total,
        currency = s.currency, issue_date = s.issue_date, mismatch = s.mismatch, alone_since = null, deaths = 0
    where w.id = s.id;
end $$;

-- What keeps a row from being sent or looked up: the first of these that says so, as {verdict, move}; null: nothing.
create or replace function facteur.hindrance(s facteur.submissions, p_item jsonb) returns jsonb
    language sql stable as $$
    select coalesce(
        facteur.read_otherwise(s, p_item),
        case s.state when 'pending' then coalesce(
            facteur.attempted_before(s), facteur.rejected_by_person(s, p_item ->> 'sha256'), facteur.rejected_by_platform(s, p_item ->> 'sha256'),
            facteur.move_of_another(facteur.sent_for_another_row(s, p_item)))
        else facteur.of_another_client(s, p_item) end)
$$;

-- What becomes of a row that is not claimed: it moves, is withdrawn, or goes back.
create or replace function facteur.hinder(s facteur.submissions, p_hindrance jsonb) returns void
    language plpgsql as $$
begin
    if p_hindrance ? 'move' then
        perform facteur.move_submission(s.id, p_hindrance -> 'move');
        update facteur.submissions w set write_back_due_at = facteur.now() where w.id = s.id and w.state = 'failed';
    elsif p_hindrance ->> 'verdict' = 'withdrawn' then
        delete from facteur.submissions w where w.id = s.id;
    else
        update facteur.submissions w set queued_at = null, updated_at = facteur.now(),
            due_at = coalesce(facteur.now() + make_interval(secs => (p_hindrance ->> 'due_in_seconds')::double precision), w.due_at)
        where w.id = s.id;
    end if;
end $$;

-- Another copy of the message was worked off since this one was read, or a replica that lost the last moments took over and gave the
-- id again: what was read is not what stands here.
create or replace function facteur.read_otherwise(s facteur.submissions, p_item jsonb) returns jsonb
    language sql stable as $$
    select '{"verdict": "stale"}'::jsonb
    where (p_item ->> 'tries')::integer <> s.tries or p_item ? 'sha256' <> (s.state = 'pending') or p_item ->> 'invoice_id' <> s.invoice_id
$$;

-- Opened by a relay that had not yet seen the attempt: never a blind deposit.
create or replace function facteur.attempted_before(s facteur.submissions) returns jsonb
    language sql stable as $$
    select jsonb_build_object('verdict', 'postponed', 'move', jsonb_build_object(
        'state', 'in_doubt', 'due_in_seconds', 0, 'error_code', s.last_error_code, 'error_message', s.last_error_message))
    where exists (select from facteur.doubtful_attempts(s.invoice_id) a where a.outcome is distinct from 'not_found')
$$;

-- A person rejected the deposit of these very bytes; the platform has not.
create or replace function facteur.rejected_by_person(s facteur.submissions, p_sha256 text) returns jsonb
    language sql stable as $$
    select jsonb_build_object('verdict', 'failed', 'move', jsonb_build_object('state', 'failed', 'error_code', 'rejected_document', 'error_message', format(
        'This very document was deposited as %s, and a person rejected it: it may stand there. Correct the invoice, or facteur adopt id:%s %s --why "…".',
        a.platform_id, s.invoice_id, a.platform_id)))
    from facteur.attempts a where a.invoice_id = s.invoice_id and a.document_sha256 = p_sha256 and facteur.is_rejected_by_person(a) order by a.id limit 1
$$;

-- Whether the platform has rejected these very bytes for this invoice, and nobody asks for them once more: neither its row, by
-- "pending", nor a person, by `facteur retry`. A row whose view shows no status stays ready after a rejection, and every touch of it
-- would send them again; what was rejected stays its verdict.
create or replace function facteur.rejected_by_platform(s facteur.submissions, p_sha256 text) returns jsonb
    language plpgsql stable as $$
begin
    return (select '{"verdict": "withdrawn"}'::jsonb where exists (
        select from facteur.attempts a join facteur.submissions r on r.id = a.submission_id
        where a.invoice_id = s.invoice_id and a.document_sha256 = p_sha256 and r.id < s.id and facteur.refused(r)
          and not exists (select from facteur.operations o where o.invoice_id = s.invoice_id and o.operation = 'retry' and o.at >= r.finalized_at))
       and not exists (select from facteur.read_invoices(array[s.invoice_id], 0) i where facteur.word(i.technical_status) = 'pending'));
end $$;

-- An attempt that sent these bytes, or this number of this seller in the same year, for another row, and whose deposit may stand (a
-- person who rejects it takes nothing back from the platform); unsettled while somebody still finds out. Claims take turns at the address's
-- budget, so none overlooks another's attempt.
create or replace function facteur.sent_for_another_row(s facteur.submissions, p_item jsonb)
    returns jsonb
    language sql stable as $$
    select jsonb_build_object('invoice_id', sent.invoice_id, 'platform_id', sent.platform_id, 'same_bytes', sent.same_bytes,
        'unsettled', sent.outcome is distinct from 'accepted' and coalesce(o.state in ('pending', 'sending', 'in_doubt'), false))
    from (
        select a.*, true as same_bytes from facteur.attempts a where a.document_sha256 = p_item ->> 'sha256'
        union all
        select a.*, false from facteur.attempts a
        where facteur.plain(a.invoice_number) = facteur.plain(p_item ->> 'invoice_number') and a.seller_siren = p_item ->> 'seller_siren'
    ) sent left join facteur.submissions o on o.id = sent.submission_id
    where sent.invoice_id <> s.invoice_id
      and (sent.outcome is null or sent.outcome = 'unknown' or sent.outcome = 'duplicate' and sent.code = 'rejected_by_person'
           or sent.outcome = 'accepted' and not exists (
               select from facteur.submissions r
               where r.account = sent.account and r.platform_id = sent.platform_id and facteur.same_client(sent.platform, r.client)
                 and facteur.refused(r)))
      and (sent.same_bytes -- a number begins anew with each year
           or coalesce(extract(year from o.issue_date) = extract(year from (p_item ->> 'issue_date')::date), true))
    order by sent.outcome = 'accepted' desc nulls last, sent.same_bytes desc, sent.id limit 1
$$;

-- What becomes of a row whose document or number was sent for another one (p_other; null: for none). Bytes that were sent for another
-- row are never sent again while that deposit may stand: a key that was changed, a row copied.
create or replace function facteur.move_of_another(p_other jsonb) returns jsonb
    language plpgsql stable as $$
declare
    same_bytes constant boolean := (p_other ->> 'same_bytes')::boolean;
    code constant text := case when same_bytes then 'sent_already' else 'number_sent_already' end;
    what constant text := case when same_bytes then 'The same document' else 'The same number of the same seller' end;
begin
    if p_other is null then
        return null;
    elsif (p_other ->> 'unsettled')::boolean then
        return jsonb_build_object('verdict', 'postponed', 'move', jsonb_build_object('state', 'pending', 'due_in_seconds', 60, 'error_code', code,
            'error_message', format('%s was sent for row id:%s, and that deposit is not settled yet. This one waits.', what, p_other ->> 'invoice_id')));
    end if;
    return jsonb_build_object('verdict', 'failed', 'move', jsonb_build_object('state', 'failed', 'error_code', code, 'error_message',
        format('%s was sent for row id:%s (deposit %s). Give this row a %s of its own, or leave it.', what, p_other ->> 'invoice_id',
               coalesce(p_other ->> 'platform_id', 'of unknown outcome: settle that one first'), case when same_bytes then 'document' else 'number' end)));
end $$;

-- A doubt that another client or platform left: it would not be shown there, and be sent again.
create or replace function facteur.of_another_client(s facteur.submissions, p_item jsonb) returns jsonb
    language sql stable as $$
    select jsonb_build_object('verdict', 'failed', 'move', jsonb_build_object('state', 'failed', 'error_code', 'other_client', 'error_message',
        'It may have been deposited with another client or platform than the account''s now. Put the account''s secret back, '
        'then set technical_status back to ''pending''; docs/settings.md, "Another client", says what to do where that is impossible.'))
    where exists (select from facteur.doubtful_attempts(s.invoice_id) a
                  where a.outcome is distinct from 'accepted' and a.platform <> nullif(p_item -> 'platform', 'null'))
$$;
