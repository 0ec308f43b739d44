-- Submit: permits, claims, and records. What runs once an invoice is plpgsql: before Postgres 18 a function in SQL is planned at each call.

-- By the platform, by the breaker, or by a person.
create function facteur.paused(b facteur.budgets) returns boolean
    language sql stable as $$
    select coalesce(greatest(b.paused_until, b.held_until) > facteur.now(), false)
$$;

-- The share of its rate that a bucket may spend: it has been told to slow down, and earns a tenth back with each quiet minute.
create function facteur.rate_factor(b facteur.budgets) returns double precision
    language sql stable as $$
    select least(1, b.rate_factor + coalesce(greatest(0, extract(epoch from facteur.now() - b.slowed_at)), 0) / 600)
$$;

-- The platform's limit is lower than ours: it says 429, or resets connections. Calls that were under way together count once.
create function facteur.slow_down(p_key text) returns void
    language plpgsql as $$
begin
    update facteur.budgets b set rate_factor = greatest(0.1, 0.7 * facteur.rate_factor(b)), slowed_at = facteur.now()
    where key = p_key and coalesce(slowed_at, '-infinity') < facteur.now() - interval '10 seconds';
end $$;

-- What a bucket holds now: ten seconds' worth at most, or p_least where that is more. Less than nothing where calls are owed. An
-- account's own limit counts where it is the lower one.
create function facteur.held(b facteur.budgets, p_per_minute double precision, p_least double precision default 10) returns double precision
    language sql stable as $$
    select least(brim, coalesce(b.tokens, brim) + rate / 60 * greatest(0, extract(epoch from facteur.now() - b.refilled_at)))
    from (select rate, greatest(1, least(rate, greatest(p_least, rate / 6))) as brim
          from (select least(p_per_minute, b.per_minute) * facteur.rate_factor(b) as rate) slowed) bucket
$$;

-- Take up to p_wanted permits from the account, the source address, and (if named) an endpoint with a rate of its own, whichever
-- has fewest. A paused bucket gives none; one whose breaker is open, or that was refused, gives a single probe, and then pauses for
-- another minute.
-- Buckets are locked in key order; they hold ten seconds' worth, the first two at least ten. News come last: while anything else
-- is on the queue they have a tenth of the rate and no more, but that for certain: what is not there for them is owed.
create function facteur.take_permits(p_account text, p_wanted integer, p_per_minute double precision,
                                     p_endpoint text default null, p_endpoint_per_minute double precision default null,
                                     p_news boolean default false)
    returns integer
    language plpgsql as $$
declare
    share constant double precision := 0.1;
    last constant boolean := p_news and exists (select from facteur.submissions where queued_at > facteur.now() - interval '1 minute');
    keys constant text[] := array_remove(array['account:' || p_account, 'address', p_endpoint, case when last then 'news' end], null);
    granted integer;
begin
    insert into facteur.budgets (key) select unnest(keys) on conflict do nothing;
    with filled as materialized (
        select key, probing or coalesce(recovery = 'read', false) as probing, facteur.paused(b) as paused,
               case when key = p_endpoint then facteur.held(b, p_endpoint_per_minute, 0)
                    when key = 'news' then facteur.held(b, share * p_per_minute, 1)
                    else facteur.held(b, p_per_minute) end as available,
               case when last and key in ('address', 'account:' || p_account) then greatest(1, share * least(p_per_minute, b.per_minute) / 6) else 0 end as credit
        from facteur.budgets b where key = any (keys) order by key for update
    ), decided as (
        select case when bool_or(paused) then 0 else greatest(0, least(p_wanted, floor(min(available + credit)),
                                                                         case when bool_or(probing) then 1 else p_wanted end)) end as n
        from filled
    ), taken as (
        update facteur.budgets b set tokens = f.available - d.n, 
            refilled_at = case when b.refilled_at > facteur.now() + interval '1 minute' then facteur.now() -- a clock that was ahead
                               else greatest(b.refilled_at, facteur.now()) end,
            paused_until = case when f.probing and d.n > 0 then facteur.now() + interval '1 minute' else b.paused_until end
        from filled f, decided d where b.key = f.key
    )
    select n into granted from decided;
    return granted;
end $$;

-- Spend nothing from a bucket for a while: 'account:<name>' or 'history'. A 429 also slows down what it counts: the source address, or the endpoint.
-- p_refused: the account was refused (401, 403, 404, its secret). Then it is not time that ends the waiting, but a read that is answered.
create function facteur.pause(p_key text, p_seconds double precision, p_reason text, p_refused boolean default false) returns timestamptz
    language plpgsql as $$
declare
    until timestamptz;
begin
    insert into facteur.budgets (key, paused_until, pause_reason, recovery)
    values (p_key, facteur.now() + make_interval(secs => p_seconds), p_reason, case when p_refused then 'read' end)
    on conflict (key) do update set
        paused_until = greatest(coalesce(facteur.budgets.paused_until, '-infinity'), excluded.paused_until), pause_reason = excluded.pause_reason,
        recovery = coalesce(excluded.recovery, facteur.budgets.recovery)
    returning paused_until into until;
    perform facteur.slow_down(case when p_key like 'account:%' then 'address' else p_key end) where p_reason = 'too_many_requests';
    return until;
end $$;

-- The breaker: after five calls in a row without an answer the account waits, but for one probe a minute, until one is answered.
-- Then a read comes first, and deposits one at a time.
create function facteur.tell_breaker(p_account text, p_answered boolean) returns void
    language plpgsql as $$
begin
    update facteur.budgets set
        failures = case when p_answered then 0 else failures + 1 end,
        probing = not p_answered and failures + 1 >= 5,
        recovery = case when not p_answered and failures + 1 >= 5 then 'read' else recovery end,
        paused_until = case when not p_answered and failures + 1 >= 5
                            then greatest(coalesce(paused_until, '-infinity'), facteur.now() + interval '1 minute')
                            when p_answered and probing then null else paused_until end,
        pause_reason = case when not p_answered and failures + 1 >= 5 then 'platform_down'
                            when p_answered and probing then null else pause_reason end
    where key = 'account:' || p_account and (not p_answered or failures > 0);
end $$;

-- A harmless read of an account that was refused: whoever gets true makes it, and nobody else for a minute. It is owed.
create function facteur.begin_read(p_account text) returns boolean
    language plpgsql as $$
declare
    begun boolean;
begin
    perform from facteur.budgets where key in ('address', 'account:' || p_account) order by key for update;
    update facteur.budgets b set paused_until = facteur.now() + interval '1 minute', tokens = tokens - 1
    where key = 'account:' || p_account and recovery = 'read' and not facteur.paused(b);
    begun := found;
    update facteur.budgets set tokens = tokens - 1 where key = 'address' and begun;
    return begun;
end $$;

-- A read of an account was answered as documented: a look-up, news, or what begin_read was for. One that was under way when the
-- account was refused says nothing.
create function facteur.read_answered(p_account text) returns void
    language plpgsql as $$
begin
    perform facteur.tell_breaker(p_account, true);
    update facteur.budgets set recovery = 'deposit', paused_until = null, pause_reason = null
    where key = 'account:' || p_account and recovery = 'read' and coalesce(paused_until, '-infinity') <= facteur.now() + interval '1 minute';
end $$;

-- A message that came before: what it names is worked alone, so that a row over which workers die, or raise, takes no other with
-- it. Twice alone before its claim: that is the row's own failure. A worker lives for two minutes at most; one that began later than
-- that may still be at it.
create function facteur.begin_alone(p_submission_id bigint) returns table (invoice_id text, account text, failed boolean)
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
create function facteur.end_alone(p_submission_id bigint, p_raised boolean) returns void
    language sql set lock_timeout = '10s' as $$
    update facteur.submissions set alone_since = null, deaths = case when p_raised then deaths + 1 else 0 end
    where id = p_submission_id and (alone_since is not null or deaths > 0 and not p_raised)
$$;

-- What a deposit of an account came to: 'accepted', 'judged' (the invoice itself was refused), or 'refused', by anybody, also where
-- its outcome is unknown. Once the account itself was refused, or five deposits in a row came to nothing, deposits go one at a
-- time, each after a longer wait, until one is accepted. Those that began before the last refusal (p_began) add nothing to the wait.
create function facteur.tell_deposits(p_account text, p_outcome text, p_began timestamptz, p_account_refused boolean default false)
    returns void
    language plpgsql as $$
declare
    longest constant interval := '60 minutes';
    first constant interval := '5 minutes';
begin
    if p_outcome = 'refused' then
        update facteur.budgets set refusals = refusals + 1,
            recovery = case when p_account_refused then 'read' when refusals >= 4 then coalesce(recovery, 'deposit') else recovery end
        where key = 'account:' || p_account;
        update facteur.budgets set deposits_wait = least(longest, coalesce(2 * deposits_wait, first)),
            deposits_at = facteur.now() + least(longest, coalesce(2 * deposits_wait, first)), refused_at = facteur.now()
        where key = 'account:' || p_account and recovery is not null and (deposits_wait is null or p_began > refused_at);
    elsif p_outcome in ('accepted', 'judged') then
        update facteur.budgets set refusals = 0, deposits_at = null,
            recovery = case when p_outcome = 'judged' then recovery end,
            deposits_wait = case when p_outcome = 'judged' then deposits_wait end
        where key = 'account:' || p_account and (refusals > 0 or recovery is not null);
    end if;
end $$;

-- How many deposits an account may begin now: none before a read was answered, then one at a time; null: as many as it has permits.
create function facteur.deposits_admitted(b facteur.budgets) returns integer
    language sql stable as $$
    select case b.recovery when 'read' then 0
                           when 'deposit' then case when b.deposits_at > facteur.now() then 0 else 1 end end
$$;

-- The store in which a document lies, by its address; null: the row itself.
create function facteur.store_of(p_uri text) returns text
    language sql immutable parallel safe as $$
    select case when p_uri like 's3://%' then 's3://' || split_part(substr(p_uri, 6), '/', 1) when p_uri like 'file:%' then 'file:' end
$$;

-- Read a batch: what the messages name and still waits, with the company's row as it is now (null: it is gone). read_first: its
-- account was refused, and nothing is deposited before a read of it was answered. store_refuses: no document of its store could be
-- read since one was refused. store_gives, platform_answers: since this row last failed, another's document was read, or call answered.
create function facteur.read_batch(p_ids bigint[], p_inline_bytes integer)
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
                 where a.submission_id = s.id and (a.outcome is null or a.outcome in ('unknown', 'not_found'))),
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

-- Claim rows whose messages arrived: a lease each, a permit each (three for a look-up, which may need three calls), and for a
-- deposit an attempt, opened with the hash of what is about to be sent. A row that is not queued and due has been claimed by
-- another message: that is a duplicate. What gets no permit goes back with its age, and that does not count as an attempt.
-- While there are too few, look-ups get half of them at most. An account that was refused deposits one at a time.
-- Bytes that were sent for another row are never sent again while that deposit may stand: a key that was changed, a row copied.
create function facteur.claim(p_items jsonb, p_lease_seconds double precision, p_per_minute double precision, p_deposits_enabled boolean)
    returns table (submission_id bigint, verdict text, lease_token uuid, attempt_id bigint)
    language plpgsql as $$
declare
    items constant jsonb := (select jsonb_object_agg(given ->> 'id', given) from jsonb_array_elements(p_items) given);
    ids constant bigint[] := array(select id::bigint from jsonb_object_keys(items) id order by 1);
    spender record;
    s facteur.submissions;
    item jsonb;
    permits integer;
    look_up constant integer := 3; -- permits: search, checksum, download
    probing boolean;
    admitted integer; -- deposits of an account that was refused; null: as many as there are permits
    look_ups integer; -- while deposits wait as well, half of the permits; null: all
    other record;
begin
    perform set_config('synchronous_commit', 'on', true);
    perform set_config('lock_timeout', '10s', true);
    -- Waits for the relay's mark. A row under a lease is left alone: whoever records it may hold the budget wanted next.
    perform from facteur.submissions
    where id = any (ids) and state in ('pending', 'in_doubt') and due_at <= facteur.now() order by id for update;
    perform from facteur.budgets -- all of them in key order, or two batches of several accounts would wait for each other
    where key = 'address' or key in (select 'account:' || w.account from facteur.submissions w where w.id = any (ids)) order by key for update;
    for spender in
        select w.account, sum(case w.state when 'in_doubt' then look_up else 1 end)::integer as wanted, bool_or(w.state = 'pending') as deposits
        from facteur.submissions w
        where w.id = any (ids) and w.queued_at is not null and w.due_at <= facteur.now() and w.state in ('pending', 'in_doubt')
        group by w.account order by w.account
    loop
        select b.probing or coalesce(b.recovery = 'read', false), facteur.deposits_admitted(b) into probing, admitted
        from facteur.budgets b where b.key = 'account:' || spender.account;
        select facteur.take_permits(spender.account, spender.wanted, p_per_minute) into permits;
        look_ups := case when permits < spender.wanted and spender.deposits and p_deposits_enabled and coalesce(admitted > 0, true)
                         then greatest(1, permits / 2 / look_up) end;
        for s in
            select w.* from facteur.submissions w
            where w.id = any (ids) and w.account = spender.account and w.queued_at is not null and w.due_at <= facteur.now()
              and w.state in ('pending', 'in_doubt')
            order by w.state, w.due_at, w.id -- doubts first
        loop
            submission_id := s.id; lease_token := null; attempt_id := null;
            item := items -> s.id::text;
            if (item ->> 'tries')::integer <> s.tries or item ? 'sha256' <> (s.state = 'pending') or item ->> 'invoice_id' <> s.invoice_id then
                -- another copy of the message was worked off since this one was read, or a replica that lost the last moments took
                -- over and gave the id again: what was read is not what stands here
                verdict := 'stale';
                update facteur.submissions w set queued_at = null, updated_at = facteur.now() where w.id = s.id;
                return next;
                continue;
            end if;
            if permits < 1 or s.state = 'pending' and not (p_deposits_enabled and coalesce(admitted > 0, true))
               or s.state = 'in_doubt' and look_ups < 1 then
                verdict := 'postponed';
                update facteur.submissions w set queued_at = null, updated_at = facteur.now(),
                    due_at = case when permits < 1 or s.state = 'in_doubt' or p_deposits_enabled then s.due_at else facteur.now() + interval '1 minute' end
                where w.id = s.id;
                return next;
                continue;
            end if;
            if s.state = 'pending' and exists (
                select from facteur.doubtful_attempts(s.invoice_id) a where a.outcome is distinct from 'not_found') then
                -- opened by a relay that had not yet seen the attempt: never a blind deposit
                verdict := 'postponed';
                update facteur.submissions w set state = 'in_doubt', doubt_since = facteur.now(), due_at = facteur.now(),
                    queued_at = null, empty_lookups = 0, updated_at = facteur.now()
                where w.id = s.id;
                return next;
                continue;
            end if;
            select * into other from facteur.sent_for_another_row(s, item) where s.state = 'pending';
            if other.attempt_id is not null then
                perform facteur.move_submission(s.id, facteur.move_of_another(to_jsonb(other)));
                update facteur.submissions w set write_back_due_at = facteur.now() where w.id = s.id and w.state = 'failed';
                verdict := case when other.unsettled then 'postponed' else 'failed' end;
                return next;
                continue;
            end if;
            if s.state = 'in_doubt' and exists (
                select from facteur.doubtful_attempts(s.invoice_id) a
                where a.outcome is distinct from 'accepted' and a.platform <> nullif(item -> 'platform', 'null')) then
                verdict := 'other_client'; -- it would not be shown there, and be sent again
                perform facteur.move_submission(s.id, jsonb_build_object('state', 'failed', 'error_code', verdict, 'error_message',
                    'It may have been deposited with another client or platform than the account''s now. Put the account''s secret back, '
                    'then set technical_status back to ''pending''; README, "Another client", says what to do where that is impossible.'));
                update facteur.submissions w set write_back_due_at = facteur.now() where w.id = s.id;
                verdict := 'failed';
                return next;
                continue;
            end if;
            verdict := 'claimed';
            permits := permits - case when s.state = 'in_doubt' and not probing then look_up else 1 end;
            look_ups := look_ups - case s.state when 'in_doubt' then 1 else 0 end;
            lease_token := gen_random_uuid();
            if s.state = 'pending' then
                admitted := admitted - 1;
                update facteur.budgets b set deposits_at = facteur.now() + make_interval(secs => p_lease_seconds) -- no second one beside it
                where b.key = 'account:' || s.account and admitted is not null;
                insert into facteur.attempts (submission_id, invoice_id, account, lease_token, document_sha256,
                                              invoice_number, seller_siren, total, currency, platform)
                values (s.id, s.invoice_id, s.account, claim.lease_token, item ->> 'sha256',
                        item ->> 'invoice_number', item ->> 'seller_siren', (item ->> 'total')::numeric,
                        item ->> 'currency', item -> 'platform')
                returning id into attempt_id;
                s.document_sha256 := item ->> 'sha256'; s.invoice_number := item ->> 'invoice_number'; s.seller_siren := item ->> 'seller_siren';
                s.total := item ->> 'total'; s.currency := item ->> 'currency'; s.issue_date := item ->> 'issue_date'; s.mismatch := null;
            end if;
            update facteur.submissions w set queued_at = null, lease_token = claim.lease_token,
                state = case s.state when 'pending' then 'sending' else 'in_doubt' end,
                excused = case s.state when 'in_doubt' then w.excused + greatest(interval '0', facteur.now() - w.due_at) else w.excused end,
                lease_until = facteur.now() + make_interval(secs => p_lease_seconds),
                due_at = facteur.now() + make_interval(secs => p_lease_seconds), updated_at = facteur.now(),
                client = coalesce(md5(nullif(item -> 'platform', 'null')::text), w.client),
                document_sha256 = s.document_sha256, invoice_number = s.invoice_number, seller_siren = s.seller_siren, total = s.total,
                currency = s.currency, issue_date = s.issue_date, mismatch = s.mismatch, alone_since = null, deaths = 0
            where w.id = s.id;
            return next;
        end loop;
        -- given back, or owed: a look-up that had to wait for three permits at once would starve beside deposits
        update facteur.budgets set tokens = tokens + permits where key in ('address', 'account:' || spender.account) and permits <> 0;
    end loop;
end $$;

-- Attempts of an invoice that may have deposited something nobody holds yet: of unknown outcome, or accepted under an id that
-- no rejected submission of it accounts for.
create function facteur.doubtful_attempts(p_invoice_id text) returns setof facteur.attempts
    language sql stable as $$
    select a.* from facteur.attempts a
    where a.invoice_id = p_invoice_id
      and (a.outcome is null or a.outcome in ('unknown', 'not_found')
           or a.outcome = 'accepted' and not exists (
               select from facteur.submissions s
               where s.invoice_id = a.invoice_id and s.platform_id = a.platform_id and s.state = 'rejected'))
$$;

-- An attempt that sent these bytes, or this number of this seller in the same year, for another row, and whose deposit may stand;
-- unsettled while somebody still finds out. Claims take turns at the address's budget, so none overlooks another's attempt.
create function facteur.sent_for_another_row(s facteur.submissions, p_item jsonb)
    returns table (attempt_id bigint, invoice_id text, platform_id text, unsettled boolean, same_bytes boolean)
    language sql stable as $$
    select sent.id, sent.invoice_id, sent.platform_id,
           sent.outcome is distinct from 'accepted' and coalesce(o.state in ('pending', 'sending', 'in_doubt'), false), sent.same_bytes
    from (
        select a.*, true as same_bytes from facteur.attempts a where a.document_sha256 = p_item ->> 'sha256'
        union all
        select a.*, false from facteur.attempts a
        where facteur.plain(a.invoice_number) = facteur.plain(p_item ->> 'invoice_number') and a.seller_siren = p_item ->> 'seller_siren'
    ) sent left join facteur.submissions o on o.id = sent.submission_id
    where sent.invoice_id <> s.invoice_id
      and (sent.outcome is null or sent.outcome = 'unknown'
           or sent.outcome = 'accepted' and not exists (
               select from facteur.submissions r
               where r.account = sent.account and r.platform_id = sent.platform_id and r.state = 'rejected'))
      and (sent.same_bytes -- a number begins anew with each year
           or coalesce(extract(year from o.issue_date) = extract(year from (p_item ->> 'issue_date')::date), true))
    order by sent.outcome = 'accepted' desc nulls last, sent.same_bytes desc, sent.id limit 1
$$;

-- Whether the platform accepted others of the account and seller at about the time at which a call was not answered, and left no other
-- one of the account unanswered.
create function facteur.answered_others(a facteur.attempts) returns boolean
    language sql stable as $$
    select exists (
        select from facteur.attempts o
        where o.account = a.account and o.seller_siren = a.seller_siren and o.outcome = 'accepted' and o.submission_id <> a.submission_id
          and o.started_at between a.started_at - interval '10 minutes' and a.started_at + interval '10 minutes')
    and not exists (
        select from facteur.attempts o
        where o.account = a.account and o.outcome in ('unknown', 'not_found') and o.http_status is null and o.submission_id <> a.submission_id
          and o.started_at between a.started_at - interval '10 minutes' and a.started_at + interval '10 minutes')
$$;

-- An answer of unknown meaning that a submission met three times, numbers and ids in its words apart; null: none. Silence is one where
-- others were answered meanwhile: it is this invoice's.
create function facteur.repeated_answer(p_submission_id bigint) returns text
    language sql stable as $$
    select max(a.message) from facteur.attempts a
    where a.submission_id = p_submission_id and a.outcome in ('unknown', 'not_found')
      and (a.http_status is not null or a.code <> 'lease_expired' and facteur.answered_others(a))
    group by a.http_status, a.code, regexp_replace(a.message, '[0-9a-fA-F-]*[0-9][0-9a-fA-F-]*', '#', 'g')
    having count(*) >= 3 limit 1
$$;

-- What becomes of a row whose document or number was sent for another one.
create function facteur.move_of_another(p_other jsonb) returns jsonb
    language plpgsql stable as $$
declare
    code constant text := case when (p_other ->> 'same_bytes')::boolean then 'sent_already' else 'number_sent_already' end;
    what constant text := case when (p_other ->> 'same_bytes')::boolean then 'The same document' else 'The same number of the same seller' end;
    own constant text := case when (p_other ->> 'same_bytes')::boolean then 'document' else 'number' end;
begin
    if (p_other ->> 'unsettled')::boolean then
        return jsonb_build_object('state', 'pending', 'due_in_seconds', 60, 'error_code', code, 'error_message',
            format('%s was sent for row id:%s, and that deposit is not settled yet. This one waits.', what, p_other ->> 'invoice_id'));
    end if;
    return jsonb_build_object('state', 'failed', 'error_code', code, 'error_message',
        format('%s was sent for row id:%s (deposit %s). Give this row a %s of its own, or leave it.', what, p_other ->> 'invoice_id',
               coalesce(p_other ->> 'platform_id', 'of unknown outcome: settle that one first'), own));
end $$;

-- The accounts that deposit as the same client of the same platform: one that was renamed has two names. Whichever of them asks
-- first is shown the statuses of all.
create function facteur.names_of_client(p_account text) returns text[]
    language sql stable as $$
    select array_agg(account) from (
        select p_account as account union select pin.key from facteur.installation i, jsonb_each(i.pins) pin where pin.value = i.pins -> p_account
    ) names
$$;

-- Whether a deposit is a client's, is held as the platform's good one, and has another number than these.
create function facteur.stands(a facteur.attempts, p_client jsonb, p_numbers text[]) returns boolean
    language sql stable as $$
    select a.invoice_number is not null and (a.platform = p_client or p_client is null) and facteur.plain(a.invoice_number) <> all (p_numbers)
       and exists (select from facteur.submissions s
                   where s.platform_id = a.platform_id and s.account = a.account and s.state in ('submitted', 'closed'))
$$;

-- Deposits of a client and seller that stand, three at most: those that a look-up was shown before, then the newest of those that
-- search should show by now, then the newest. What it does not show beside one of them, it does not show at all.
create function facteur.witnesses(p_account text, p_seller text, p_client jsonb, p_numbers text[])
    returns table (platform_id text, invoice_number text)
    language sql stable as $$
    with standing as (
        select a.*, names.account as name
        from unnest(facteur.names_of_client(p_account)) names(account)
        cross join lateral (
            (select a.*, 1 as rank from facteur.attempts a
             where a.account = names.account and a.seller_siren = p_seller and a.witnessed_at is not null and a.outcome = 'accepted'
               and facteur.stands(a, p_client, p_numbers)
             order by a.witnessed_at desc limit 2)
            union all
            (select a.*, 2 from facteur.attempts a
             where a.account = names.account and a.seller_siren = p_seller and a.outcome = 'accepted'
               and a.started_at < facteur.now() - interval '1 hour' and facteur.stands(a, p_client, p_numbers)
             order by a.started_at desc limit 3)
            union all
            (select a.*, 3 from facteur.attempts a
             where a.account = names.account and a.seller_siren = p_seller and a.outcome = 'accepted'
               and facteur.stands(a, p_client, p_numbers)
             order by a.started_at desc limit 3)
        ) a
    )
    select s.platform_id, min(s.invoice_number) from standing s
    group by s.platform_id order by min(s.rank), max(s.witnessed_at) desc nulls last, max(s.started_at) desc limit 3
$$;

create function facteur.in_json(a facteur.attempts) returns jsonb
    language sql stable as $$
    select jsonb_build_object('attempt_id', a.id, 'started_at', a.started_at, 'outcome', coalesce(a.outcome, 'unknown'),
        'document_sha256', a.document_sha256, 'invoice_number', a.invoice_number, 'seller_siren', a.seller_siren,
        'total', a.total::text, 'currency', a.currency, 'platform_id', a.platform_id)
$$;

-- Everything a look-up needs. Attempts that the platform called duplicates tell what to search for; rivals are other invoices'
-- attempts with the same client and number whose outcome is unknown as well.
create function facteur.read_doubt(p_submission_id bigint)
    returns table (invoice_id text, empty_lookups integer, doubt_seconds double precision, waited_seconds double precision,
                   duplicate_verdict boolean, now timestamptz, clock jsonb, attempts jsonb, rivals jsonb, witnesses jsonb,
                   repeated_answer text, excused_seconds double precision)
    language plpgsql stable as $$
declare
    s constant facteur.submissions := (select w from facteur.submissions w where w.id = p_submission_id);
    own constant facteur.attempts[] := array(
        select made from (select a as made from facteur.doubtful_attempts(s.invoice_id) a
                          union all
                          select d from facteur.attempts d where d.submission_id = s.id and d.outcome = 'duplicate') attempts
        order by (made).started_at, (made).id);
    numbers constant text[] := array(select distinct facteur.plain(a.invoice_number) from unnest(own) a where a.invoice_number is not null);
    client constant jsonb := (select a.platform from unnest(own) a where a.platform is not null order by a.id desc limit 1);
    seller constant text := (select a.seller_siren from unnest(own) a where a.seller_siren is not null order by a.id desc limit 1);
begin
    return query select s.invoice_id, s.empty_lookups, extract(epoch from facteur.now() - s.doubt_since)::double precision,
        extract(epoch from s.waited)::double precision, s.duplicate_verdict, facteur.now(),
        case when (s.doubt_clock ->> 'of')::timestamptz = s.doubt_since then s.doubt_clock end,
        (select coalesce(jsonb_agg(facteur.in_json(a) order by a.started_at, a.id), '[]') from unnest(own) a),
        (select coalesce(jsonb_agg(facteur.in_json(r)), '[]') from facteur.attempts r
         where facteur.plain(r.invoice_number) = any (numbers) and r.invoice_id <> s.invoice_id
           and (r.outcome is null or r.outcome in ('unknown', 'not_found')) and (r.platform = client or r.platform is null or client is null)),
        (select coalesce(jsonb_agg(to_jsonb(w)), '[]') from facteur.witnesses(s.account, seller, client, numbers) w),
        facteur.repeated_answer(s.id), extract(epoch from s.excused)::double precision;
end $$;

-- Which of these deposits are taken: by another invoice, or by a submission of this one that the platform rejected; and what was
-- sent there, under which numbers. Ids are the client's: another client's deposit of the same id is another deposit.
create function facteur.holders(p_invoice_id text, p_platform_ids text[])
    returns table (platform_id text, invoice_id text, refused boolean, sent text[], numbers text[])
    language plpgsql stable as $$
declare
    own facteur.attempts;
begin
    select a.* into own from facteur.attempts a where a.invoice_id = p_invoice_id order by a.platform is null, a.id desc limit 1;
    return query
    select held.platform_id, min(held.invoice_id), bool_or(held.refused),
           coalesce(array_agg(distinct held.sent) filter (where held.sent is not null), '{}'),
           coalesce(array_agg(distinct held.number) filter (where held.number is not null), '{}')
    from (
        select a.platform_id, a.invoice_id, a.outcome in ('duplicate', 'rejected') as refused, a.document_sha256 as sent, a.invoice_number as number
        from facteur.attempts a
        where a.platform_id = any (p_platform_ids) and (a.invoice_id <> p_invoice_id or a.outcome in ('duplicate', 'rejected'))
          and (a.platform = own.platform or a.platform is null or own.platform is null)
        union all
        select s.platform_id, s.invoice_id, s.state = 'rejected', s.document_sha256, s.invoice_number from facteur.submissions s
        where s.platform_id = any (p_platform_ids) and (s.invoice_id <> p_invoice_id or s.state = 'rejected')
          and (own.account is null or s.account = any (facteur.names_of_client(own.account)))
    ) held group by held.platform_id;
end $$;

create function facteur.held_elsewhere(p_invoice_id text, p_platform_ids text[]) returns text[]
    language sql stable as $$
    select coalesce(array_agg(h.platform_id), '{}') from facteur.holders(p_invoice_id, p_platform_ids) h
$$;
