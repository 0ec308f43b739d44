-- Statuses of the source `feed`: one list of events for all deposits of a client, and the place where it goes on. Locks: the client's
-- feed.

-- The accounts whose platform has a feed, by the kind in their pin: of each client one to read it now, if it has open deposits and is
-- not paused, and its feed is not taken or waiting: a permit that nobody uses may be the only one. Those come first whose turn was longest ago.
create or replace function facteur.accounts_with_feed(p_providers text[], out account text, out to_read boolean) returns setof record
    language sql stable as $$
    select a.name, open.name is not null and coalesce(f.taken_until <= facteur.now(), true) and row_number() over (
        partition by a.pin order by open.name is null, coalesce(f.turn_at, '-infinity'), a.name) = 1
    from facteur.accounts a
    left join facteur.feeds f on f.client = md5(a.pin::text)
    left join lateral ( -- a limit, lest a planner read all that is open to join it
        select a.name from facteur.submissions s, facteur.budgets b
        where s.account = a.name and s.state = 'submitted' and b.key = 'account:' || a.name and not facteur.paused(b) limit 1
    ) open on true
    where a.pin ->> 'provider' = any (p_providers)
    order by coalesce(f.turn_at, '-infinity'), a.name
$$;

-- One reader at a time, for a while. The feed of a client begins a day before its first attempt.
-- failing_seconds: for how long no turn has ended well; 0: the last one did.
create or replace function facteur.take_feed(p_account text, p_lease_seconds double precision,
                                          out "cursor" text, out since timestamptz, out reached text, out failing_seconds double precision,
                                          out foreign_until timestamptz)
    returns setof record
    language sql as $$
    insert into facteur.feeds as f (client, since, turn_at, taken_until)
    select md5(a.pin::text), coalesce((select min(t.started_at) from facteur.attempts t where t.account = any (facteur.names_of_client(p_account))
                                       and t.platform = a.pin), facteur.now()) - interval '1 day',
           facteur.now(), facteur.now() + make_interval(secs => p_lease_seconds)
    from facteur.accounts a where a.name = p_account and a.pin is not null
    on conflict (client) do update set turn_at = excluded.turn_at, taken_until = excluded.taken_until where f.taken_until <= facteur.now()
    returning f."cursor", f.since, f.reached, coalesce(greatest(0, extract(epoch from facteur.now() - f.failing_since)), 0)::double precision,
              f.foreign_until
$$;

-- Whether it may yet become known what an attempt of a submission deposited: it is under way, looked up, sent again meanwhile, or failed
-- within a day, and a person may find it.
create or replace function facteur.may_be_found(s facteur.submissions) returns boolean
    language sql stable as $$
    select s.state in ('sending', 'in_doubt') or s.state = 'pending' and s.doubt_since is not null
        or s.state = 'failed' and not s.superseded and s.finalized_at > facteur.now() - interval '1 day'
$$;

-- Whether what is read again begins where it did. What was reached less than ten minutes before this turn may have had gaps, for platforms
-- draw an event's id before they commit it, as we do: ten minutes by our clock, which may be set ahead, and by the platform's (p_dated: what
-- it says that it is; null: nothing), which may stand still and so counts for a day at most. Nor does the place move while a deposit's
-- outcome is unknown, for a day: what is said of an invoice whose deposit nobody knows yet is kept nowhere, and is read again. That it is
-- sent again meanwhile does not end the first doubt.
create or replace function facteur.stays(f facteur.feeds, p_dated timestamptz) returns boolean
    language sql stable as $$
    select f.reached_at is not null and (f.reached_at > f.turn_at - interval '10 minutes'
        or coalesce(p_dated < f.dated_at + interval '10 minutes', false) and f.reached_at > f.turn_at - interval '1 day' or exists (
        select from facteur.submissions s join facteur.accounts a on a.name = s.account, facteur.doubtful_attempts(s.invoice_id) t
        where (s.state in ('pending', 'sending', 'in_doubt') or s.state = 'failed' and not s.superseded) and facteur.may_be_found(s)
          and md5(a.pin::text) = f.client and t.started_at between facteur.now() - interval '1 day' and f.reached_at))
$$;

-- Everything up to a place was stored. Where the turn began moves on to what an earlier turn had reached, once this one has read all of
-- that again (p_past): a turn that was cut before has not. What one turn reaches counts as a whole, page by page.
create or replace function facteur.move_feed(p_account text, p_reached text, p_past boolean, p_dated timestamptz) returns void
    language sql as $$
    update facteur.feeds f set
        "cursor" = case when f.reached_at >= f.turn_at then f."cursor" else coalesce(f.reached, f."cursor") end,
        reached = p_reached, reached_at = facteur.now(), dated_at = p_dated
    from facteur.accounts a
    where a.name = p_account and f.client = md5(a.pin::text) and p_reached is distinct from f."cursor"
      and (f.reached_at >= f.turn_at or p_past and not facteur.stays(f, p_dated))
$$;

-- The platform does not know the place any more: it is read from the beginning, and what is known already adds nothing.
create or replace function facteur.reset_feed(p_account text) returns void
    language sql as $$
    update facteur.feeds f set "cursor" = null, reached = null, reached_at = null, dated_at = null
    from facteur.accounts a where a.name = p_account and f.client = md5(a.pin::text)
$$;

-- A turn that was cut before it had read again all that an earlier one had reached: so far it came, and so far the next ones have to.
-- p_failed_seconds: it failed, and the next one begins after so many; null: it ended well.
create or replace function facteur.end_feed(p_account text, p_cursor text, p_dated timestamptz, p_failed_seconds double precision) returns void
    language sql as $$
    update facteur.feeds f set taken_until = coalesce(facteur.now() + make_interval(secs => nullif(p_failed_seconds, 0)), '-infinity'),
        failing_since = case when p_failed_seconds is not null then coalesce(f.failing_since, facteur.now()) end,
        reached = case when turn.was_cut then p_cursor else f.reached end,
        reached_at = case when turn.was_cut then facteur.now() else f.reached_at end,
        dated_at = case when turn.was_cut then p_dated else f.dated_at end
    from facteur.accounts a, facteur.feeds k
    cross join lateral (
        select coalesce(k.reached_at < k.turn_at and not facteur.stays(k, p_dated) and p_cursor is distinct from k."cursor", false) as was_cut) turn
    where a.name = p_account and f.client = md5(a.pin::text) and k.client = f.client
$$;

-- Statuses of none of our deposits were counted, up to one of then; by our clock at most, for what is dated ahead would hide what follows.
create or replace function facteur.note_foreign(p_account text, p_until timestamptz) returns void
    language sql as $$
    update facteur.feeds f set foreign_until = greatest(f.foreign_until, least(p_until, facteur.now()))
    from facteur.accounts a where a.name = p_account and f.client = md5(a.pin::text)
$$;

-- The accounts whose feed has failed for an hour, and is still tried: their deposits' histories are read meanwhile.
create or replace function facteur.accounts_with_failing_feed() returns setof text
    language sql stable as $$
    select a.name from facteur.feeds f join facteur.accounts a on md5(a.pin::text) = f.client
    where f.failing_since <= facteur.now() - interval '1 hour' and f.turn_at > facteur.now() - interval '1 hour'
$$;

-- What a deposit's events say could not be stored: its history says it again.
create or replace function facteur.want_history(p_submission_id bigint, p_seconds double precision) returns void
    language sql as $$
    update facteur.submissions set due_at = facteur.now() + make_interval(secs => p_seconds) where id = p_submission_id and state = 'submitted'
$$;

-- Whether an attempt may have made a deposit that no submission has: its outcome is unknown, and neither its own submission nor a later
-- one of its invoice came to a deposit; or it was accepted under an id that none has.
create or replace function facteur.may_be_unknown(a facteur.attempts) returns boolean
    language sql stable as $$
    select case when a.platform_id is null
        then coalesce(a.outcome, 'unknown') in ('unknown', 'not_found') and not exists (
            select from facteur.submissions s
            where s.invoice_id = a.invoice_id and s.id >= a.submission_id and s.state in ('submitted', 'closed', 'rejected'))
        else a.outcome = 'accepted' and not exists (
            select from facteur.submissions s where s.platform_id = a.platform_id and facteur.same_client(a.platform, s.client)) end
$$;

-- The client's deposits that bear a name (number, seller, year of issue) which a status gives in a deposit's place, as they were sent; a
-- year that is not known excludes none. Also those that a submission let go, for they were refused, or a person gave them up: what is
-- said of them is not the other one's. `kept`: a submission has it. `refused`: by the platform. `stored`: that very status is stored of
-- it already. `good`: so is one of p_good, which says that its file is good. Without a platform_id: an attempt under that name may have
-- made a deposit that nobody knows; `waits`: the feed's place waits for it.
create or replace function facteur.deposits_named(p_account text, p_names jsonb, p_good text)
    returns table (place integer, platform_id text, kept boolean, stands boolean, refused boolean, stored boolean, good boolean, waits boolean)
    language sql stable as $$
    select (n.name ->> 'place')::integer, a.platform_id, bool_or(s.id is not null), bool_or(coalesce(s.state in ('submitted', 'closed'), false)),
           bool_or(coalesce(facteur.refused(s), false) or a.outcome = 'rejected' or said.refused), bool_or(said.stored), bool_or(said.good), false
    from jsonb_array_elements(p_names) n(name)
    join facteur.attempts a on facteur.plain(a.invoice_number) = facteur.plain(n.name ->> 'number')
                           and a.seller_siren = n.name ->> 'seller_siren' and a.account = any (facteur.names_of_client(p_account))
    left join facteur.submissions s on s.platform_id = a.platform_id and s.invoice_id = a.invoice_id and s.account = a.account
    left join facteur.submissions o on o.id = a.submission_id
    cross join lateral (
        select coalesce(bool_or(facteur.rejects(e.code)), false) as refused, coalesce(bool_or(e.code = p_good), false) as good,
               coalesce(bool_or(e.status_id = n.name ->> 'status_id' and e.code = n.name ->> 'code'), false) as stored
        from facteur.status_events e join facteur.submissions h on h.id = e.submission_id
        where h.invoice_id = a.invoice_id and e.platform_id = a.platform_id) said
    where a.platform_id is not null and coalesce(extract(year from coalesce(s.issue_date, o.issue_date)) = (n.name ->> 'issue_year')::integer, true)
      and case when s.id is not null then not facteur.is_former(s)
               else a.outcome in ('rejected', 'duplicate') and exists (
                   select from facteur.accounts c where c.name = a.account and facteur.same_client(a.platform, md5(c.pin::text))) end
    group by 1, 2
    union
    select (n.name ->> 'place')::integer, null, false, false, false, false, false, a.started_at > facteur.now() - interval '23 hours' and exists (
               select from facteur.submissions w where w.invoice_id = a.invoice_id and facteur.may_be_found(w))
    from jsonb_array_elements(p_names) n(name)
    join facteur.attempts a on facteur.plain(a.invoice_number) = facteur.plain(n.name ->> 'number')
                           and a.seller_siren = n.name ->> 'seller_siren' and a.account = any (facteur.names_of_client(p_account))
    left join facteur.submissions s on s.id = a.submission_id
    where facteur.may_be_unknown(a) and coalesce(extract(year from s.issue_date) = (n.name ->> 'issue_year')::integer, true)
$$;
