-- How everything is: the views that people read, and what the relay counts as metrics once a minute. Reads partial indexes, so that
-- what is deposited costs nothing; locks only the failures that need nobody any more. Whether a newer submission has replaced a failed
-- one is read from the rows that are there: one that waits may still be withdrawn.

-- While deposits are off, what waits to be sent is not overdue.
create or replace function facteur.oldest_overdue_seconds(p_deposits_enabled boolean default true) returns double precision
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

create or replace function facteur.oldest_doubt_seconds() returns double precision
    language sql stable as $$
    select coalesce(extract(epoch from facteur.now() - min(doubt_since)), 0)::double precision
    from facteur.submissions where state = 'in_doubt'
$$;

create or replace view facteur.health as
select s.account, s.state, count(*) as submissions,
       count(*) filter (where s.due_at < facteur.now()) as due,
       min(s.due_at) filter (where s.due_at < facteur.now()) as oldest_due_at,
       coalesce(extract(epoch from facteur.now() - min(s.due_at) filter (where s.due_at < facteur.now())), 0)::bigint as oldest_overdue_seconds,
       count(*) filter (where s.write_back_due_at is not null) as write_backs_waiting,
       count(*) filter (where s.mismatch is not null) as mismatched,
       greatest(b.paused_until, b.hold_until) as paused_until,
       case when b.hold_until > facteur.now() then format('by %s: %s', b.hold_by, b.hold_why) else b.pause_reason end as pause_reason
from facteur.submissions s
left join facteur.budgets b on b.key = 'account:' || s.account and facteur.paused(b)
where s.state <> 'failed' or not exists (select from facteur.submissions n where n.invoice_id = s.invoice_id and n.id > s.id)
group by s.account, s.state, b.paused_until, b.pause_reason, b.hold_until, b.hold_by, b.hold_why
order by s.account, array_position(array['failed', 'in_doubt', 'pending', 'sending', 'submitted', 'rejected', 'closed'], s.state);

-- One invoice's whole history as rows in order: select * from facteur.story where invoice_number = '…'
create or replace view facteur.story as
select invoice_id, invoice_number, at, what, detail, submission_id, platform_id from (
    select s.invoice_id, s.invoice_number, s.created_at as at, 1 as step, 'invoice is ready' as what,
           format('submission %s of account %s', s.id, s.account) as detail, s.id as submission_id, null as platform_id
    from facteur.submissions s
    union all
    select a.invoice_id, a.invoice_number, a.started_at, 2, 'deposit attempted', format('document %s…', left(a.document_sha256, 12)), a.submission_id, null
    from facteur.attempts a
    union all
    select a.invoice_id, a.invoice_number, a.ended_at, 3, 'deposit ' || replace(a.outcome, '_', ' '),
           concat_ws(' ', a.http_status, a.code, a.message), a.submission_id, a.platform_id
    from facteur.attempts a where a.ended_at is not null
    union all
    select s.invoice_id, s.invoice_number, e.occurred_at, 4, concat(e.code, ' ', e.label), concat_ws(': ', e.reason, e.message), s.id, e.platform_id
    from facteur.status_events e join facteur.submissions s on s.id = e.submission_id
    union all
    select s.invoice_id, s.invoice_number, s.updated_at, 5, 'now ' || s.state,
           concat_ws(' ', s.last_error_code, s.last_error_message, s.mismatch, 'due ' || s.due_at, 'write-back failed: ' || s.write_back_error), s.id, s.platform_id
    from facteur.submissions s
) story
order by invoice_id, at, step;

-- Whole days, by the calendar of Paris, since the issue date of the oldest invoice that is not deposited yet. 0: there is none.
create or replace function facteur.oldest_undeposited_days() returns integer
    language sql stable as $$
    select coalesce(greatest(0, (facteur.now() at time zone 'Europe/Paris')::date - min(issued)), 0) from (
        select min(issue_date) as issued from facteur.submissions where state = 'pending'
        union all select min(issue_date) from facteur.submissions where state = 'sending'
        union all select min(issue_date) from facteur.submissions where state = 'in_doubt'
        union all select min(f.issue_date) from facteur.submissions f where f.state = 'failed' and not f.superseded
                  and f.id = (select max(n.id) from facteur.submissions n where n.invoice_id = f.invoice_id)
    ) oldest
$$;

-- Invoices whose rows show an error: failed ones, and deposited ones whose rows ask for another invoice by now.
create or replace function facteur.failed_invoices() returns integer
    language sql stable as $$
    select ((select count(*) from facteur.submissions f where f.state = 'failed' and not f.superseded
             and f.id = (select max(n.id) from facteur.submissions n where n.invoice_id = f.invoice_id)) -- no join, which would read them all
          + (select count(*) from facteur.submissions where mismatch is not null and state in ('submitted', 'closed')))::integer
$$;

-- How long the deposit that was never heard of for longest has been silent; and how long what the search shows has been shown by no status of
-- any status. Both walk over what is wrong, and over the deposits of the last minutes.
create or replace function facteur.oldest_silent_seconds() returns double precision
    language sql stable as $$
    select coalesce(greatest(0, extract(epoch from facteur.now() - min(submitted_at))), 0)::double precision
    from facteur.submissions where state = 'submitted' and lifecycle_code is null
$$;

create or replace function facteur.oldest_unread_seconds() returns double precision
    language sql stable as $$
    select coalesce(greatest(0, extract(epoch from facteur.now() - min(unread_since))), 0)::double precision
    from facteur.submissions where unread_since is not null
$$;

-- Accounts with open deposits whose statuses cannot be seen: the search has shown none of their deposits in three answers, or a full page of unseen
-- statuses shows nothing new, or histories showed what no pull had shown for a day, or their feed has failed for an hour.
create or replace function facteur.accounts_not_shown() returns integer
    language sql stable as $$
    select count(*)::integer from (
        select account from facteur.sweeps where not_shown >= 3 or blocked_since is not null
        union select facteur.accounts_with_failing_feed()
    ) w
    cross join lateral (select from facteur.submissions s where s.account = w.account and s.state = 'submitted' limit 1) open
$$;

-- Deposits that are followed and that nobody asks for any more: their account was repinned to another client, and none of the pins is
-- of theirs. Where nobody was ever repinned nothing is read.
create or replace function facteur.followed_by_nobody() returns integer
    language sql stable as $$
    with pins as (select name as account, md5(pin::text) as client from facteur.accounts where pin is not null),
    former as (
        select distinct md5((o.detail -> 'pin')::text) as client from facteur.operations o
        where o.operation = 'repin' and o.account in (select account from pins)
    )
    select count(*)::integer from former join facteur.submissions s on s.client = former.client
    where s.state = 'submitted' and former.client not in (select client from pins)
$$;

-- Rows whose last write-back, within a day, had to be believed. More than a thousand are as bad.
create or replace function facteur.unverified_write_backs() returns integer
    language sql stable as $$
    select count(*)::integer from (
        select from facteur.submissions where unverified_at > facteur.now() - interval '1 day' limit 1000) believed
$$;

-- Remember how many of something there are; or add to what was counted within p_within before.
create or replace function facteur.tally(p_name text, p_n integer, p_within interval default null) returns void
    language sql as $$
    insert into facteur.tallies as t (name, n, since, at)
    values (p_name, p_n, case when p_n > 0 then facteur.now() end, facteur.now())
    on conflict (name) do update set at = excluded.at,
        n = case when t.at > facteur.now() - p_within then t.n + excluded.n else excluded.n end,
        since = case when excluded.n > 0 and (p_within is null or t.at > facteur.now() - p_within) then coalesce(t.since, excluded.since)
                     else excluded.since end
$$;

-- What was counted and still rings: what is counted daily counts for a day, what happens by itself for as long as its alarm adds it up.
create or replace function facteur.tallied() returns jsonb
    language sql stable as $$
    select coalesce(jsonb_object_agg(name, n), '{}') from facteur.tallies
    where n > 0 and at > facteur.now() - case name when 'statuses_put_off' then interval '15 minutes' when 'keys_not_shown' then interval '1 hour'
                                                   else interval '25 hours' end
$$;

-- Of the last hour's invoices, how many were rejected, in percent; 0 where there were fewer than twenty.
create or replace function facteur.rejected_percent() returns integer
    language sql stable as $$
    select case when rejected + deposited >= 20 then 100 * rejected / (rejected + deposited) else 0 end from (
        select (select count(*) from facteur.submissions where state = 'rejected' and finalized_at > facteur.now() - interval '1 hour')::integer as rejected,
               (select count(*) from facteur.budgets b join facteur.submissions s on s.account = substr(b.key, 9) and s.state = 'submitted'
                                                                                  and s.deposited_at > facteur.now() - interval '1 hour'
                where b.key like 'account:%')::integer as deposited) lately
$$;

-- Where somebody was repinned, each hour: an account's deposits may be many, and nobody repins every day.
create or replace function facteur.count_not_followed() returns void
    language sql as $$
    select facteur.tally('not_followed', facteur.followed_by_nobody())
    where exists (select from facteur.operations where operation = 'repin')
      and not exists (select from facteur.tallies where name = 'not_followed' and at between facteur.now() - interval '1 hour' and facteur.now())
$$;

-- What the daily count of finished invoices that are not ready met instead.
create or replace function facteur.uncounted() returns table (what text, fix text)
    language sql stable as $$
    select format('facteur.invoice_source cannot be read for what is finished (SQLSTATE %s): what lacks its document is not counted', not_ready_problem),
           'correct its column finished: select count(*) from facteur.invoice_source where finished'
    from facteur.installation where not_ready_problem is not null
$$;

create or replace function facteur.vitals(p_per_minute double precision, p_deposits_enabled boolean default true,
                               out overdue_seconds double precision, out doubt_seconds double precision, out unwritten_seconds double precision,
                               out undeposited_days integer, out failed integer, out breakers_open integer, out accounts_paused integer,
                               out rate_percent double precision, out budget_use_percent double precision, out forgotten integer,
                               out silent_seconds double precision, out unread_seconds double precision, out not_shown integer,
                               out unverified integer, out faults text[])
    language plpgsql as $$
declare
    bucket facteur.budgets;
begin
    forgotten := facteur.note_forgotten(); -- once a day; else null. First: it may take long, and nothing is locked yet
    -- A failed submission that a newer one of its invoice has replaced for good, for that one was sent: noted once, never read again.
    update facteur.submissions set superseded = true where id in (
        select f.id from facteur.submissions f where f.state = 'failed' and not f.superseded
          and f.id < (select max(n.id) from facteur.submissions n
                      where n.invoice_id = f.invoice_id and n.state in ('submitted', 'rejected', 'closed', 'failed'))
        for update of f skip locked);
    overdue_seconds := facteur.oldest_overdue_seconds(p_deposits_enabled);
    doubt_seconds := facteur.oldest_doubt_seconds();
    undeposited_days := facteur.oldest_undeposited_days();
    failed := facteur.failed_invoices();
    select coalesce(extract(epoch from facteur.now() - min(unwritten_since)), 0) into unwritten_seconds
    from facteur.submissions where write_back_due_at is not null;
    select count(*) filter (where probing), count(*) filter (where greatest(paused_until, hold_until, deposits_at) > facteur.now())
    into breakers_open, accounts_paused from facteur.budgets where key like 'account:%';
    select * into bucket from facteur.budgets where key = 'address';
    rate_percent := 100 * facteur.rate_factor(bucket);
    budget_use_percent := facteur.budget_use_percent(bucket, p_per_minute);
    silent_seconds := facteur.oldest_silent_seconds();
    unread_seconds := facteur.oldest_unread_seconds();
    not_shown := facteur.accounts_not_shown();
    unverified := facteur.unverified_write_backs();
    perform facteur.count_not_followed();
    faults := array(select format('%s; %s', f.what, f.fix) from facteur.installation_faults() f
                    union all select format('%s; %s', u.what, u.fix) from facteur.uncounted() u);
end $$;

-- A run of a function ended: well, or with an error of this class.
create or replace function facteur.end_run(p_name text, p_error text default null) returns void
    language sql as $$
    insert into facteur.runs (name, ended_at, error, ok_at, failures)
    select p_name, facteur.now(), p_error, case when p_error is null then facteur.now() end, case when p_error is null then 0 else 1 end
    where p_error is not null or not exists ( -- a hundred a minute that end well need not all say so
        select from facteur.runs r where r.name = p_name and r.error is null and r.ok_at between facteur.now() - interval '15 seconds' and facteur.now())
    on conflict (name) do update set ended_at = excluded.ended_at, error = excluded.error,
        ok_at = coalesce(excluded.ok_at, facteur.runs.ok_at), failures = case when p_error is null then 0 else facteur.runs.failures + 1 end
$$;
