-- Waiting: one reason and one age for each row that waits for something of ours. Deposits that are followed are not waiting.

-- What holds an account as a whole, and the rate at which it may deposit. null: nothing holds it.
create or replace view facteur.waiting_accounts as
select substr(b.key, 9) as account,
       case when b.hold_until > facteur.now() then 'account_paused'
            when b.probing or b.paused_until > facteur.now() and b.pause_reason = 'platform_down' then 'platform_down'
            when b.paused_until > facteur.now() and b.pause_reason = 'too_many_requests' then 'request_limit'
            when b.paused_until > facteur.now() or b.recovery = 'read' then 'account_refused' end as cause,
       case when b.deposits_at > facteur.now() and b.recovery = 'deposit' then 'account_refused' end as deposits_cause,
       nullif(case when b.hold_until > facteur.now() then b.hold_until
                   else greatest(b.paused_until, case when b.recovery = 'deposit' then b.deposits_at end) end, 'infinity') as until,
       case when b.hold_until > facteur.now() then format('%s: %s', b.hold_by, b.hold_why) else b.pause_reason end as detail,
       facteur.available(b, rate.shared) as available, facteur.available(a, rate.shared) as address_available,
       b.per_minute < rate.shared as limited, least(b.per_minute, rate.shared) as per_minute, b.failures
from facteur.budgets b, facteur.budgets a, facteur.installation i, lateral (select coalesce(i.requests_per_minute, 1e6) as shared) rate
where b.key like 'account:%' and a.key = 'address';

-- Whether the relay and a worker have ended a run well of late, and whether deposits are on.
create or replace view facteur.alive as
select i.deposits_enabled, r.error is null and greatest(r.ok_at, i.relay_began_at) > facteur.now() - interval '2 minutes' as relay,
       coalesce(w.ok_at > facteur.now() - interval '15 minutes', false) as worker
from facteur.installation i
left join facteur.runs r on r.name = 'relay_submissions' left join facteur.runs w on w.name = 'submit_invoices';

-- One row for each thing that waits, with one reason: what holds all first, then its account, then itself. `since` does not move
-- while it waits. Each branch reads a partial index, so that what is deposited costs nothing.
create or replace view facteur.waiting_rows as
with due as (
    select account, count(*) as n, sum(count(*)) over () as all_accounts from facteur.submissions
    where queued_at is null and state = 'pending' and due_at <= facteur.now() group by account
), waiting as (
    select s.id, s.account, s.state, s.created_at, s.due_at, s.last_error_code, s.store, s.queued_at is not null as queued
    from facteur.submissions s where s.queued_at is not null
    union all
    select s.id, s.account, s.state, s.created_at, s.due_at, s.last_error_code, s.store, false
    from facteur.submissions s where s.queued_at is null and s.state in ('pending', 'in_doubt')
), judged as (
    select s.id, s.account, s.created_at as since, 1 as n, a.until as account_until, s.due_at, a.detail, s.last_error_code, t.reason as store_reason,
           s.store, a.per_minute, due.n as due, due.all_accounts,
           case when s.queued and not alive.worker then 'queued'
                when s.state = 'in_doubt' then case when a.cause in ('account_paused', 'platform_down', 'account_refused') then a.cause else 'in_doubt' end
                when alive.deposits_enabled is false then 'deposits_off'
                when coalesce(a.cause, a.deposits_cause) is not null then coalesce(a.cause, a.deposits_cause)
                when t.name is not null then 'store_refused'
                when s.due_at > facteur.now() or s.queued and s.last_error_code is not null
                then case when s.last_error_code = 'row_unreadable' then 'unreadable'
                          when s.last_error_code = 'too_many_requests' then 'request_limit'
                          when s.last_error_code in ('platform_unreachable', 'no_answer', 'connection_reset') and a.failures > 0 then 'platform_down'
                          else 'put_off' end
                when s.queued then 'queued'
                when alive.relay is not true then 'relay'
                when due.n > a.available and a.limited then 'account_limit'
                when due.n > a.available or due.all_accounts > a.address_available then 'request_limit'
                else 'relay' end as reason
    from waiting s cross join facteur.alive
    left join facteur.waiting_accounts a on a.account = s.account
    left join due on due.account = s.account
    left join facteur.stores t on t.name = s.store
)
select id as submission_id, reason, account, since, n,
       case when reason in ('account_paused', 'platform_down', 'account_refused') then account_until
            when reason = 'account_limit' then facteur.now() + due / nullif(per_minute, 0) * interval '1 minute'
            when reason = 'request_limit' then greatest(account_until, facteur.now() + all_accounts / nullif(per_minute, 0) * interval '1 minute')
            when reason in ('put_off', 'store_refused', 'unreadable', 'in_doubt') then due_at end as until,
       case when reason in ('account_paused', 'platform_down', 'account_refused') then detail
            when reason in ('account_limit', 'request_limit') then trim_scale(round(per_minute::numeric, 2))::text
            when reason = 'store_refused' then format('%s (%s)', store_reason, store)
            when reason in ('put_off', 'in_doubt') then last_error_code end as detail
from judged
union all
select id, 'sending', account, created_at, 1, lease_until, null from facteur.submissions where state = 'sending'
union all
select id, 'not_written_back', account, unwritten_since, 1, write_back_due_at, left(write_back_error, 5)
from facteur.submissions where write_back_due_at is not null and unwritten_since is not null
union all
select id, 'silent', account, submitted_at, 1, null, null from facteur.submissions
where state = 'submitted' and lifecycle_code is null and submitted_at < facteur.now() - interval '1 day'
union all -- 200 and 201 are the platform's own words: no platform, and no buyer, has it yet
select id, 'not_transmitted', account, submitted_at, 1, null, lifecycle_code from facteur.submissions
where state = 'submitted' and lifecycle_code in ('200', '201') and submitted_at < facteur.now() - interval '3 days'
union all
select null, 'not_followed', null, since, n, null, null from facteur.tallies where name = 'not_followed' and n > 0
union all
select id, 'unread', account, unread_since, 1, history_due_at, swept_code from facteur.submissions where unread_since is not null
union all
select null, 'not_ready', null, not_ready_since, not_ready, null, not_ready_id from facteur.installation where not_ready > 0
union all -- notes: rows that nobody has read yet, or that cannot be read
select null, case when error is null then 'relay' else 'unreadable' end, null, coalesce(broken_since, noted_at), cardinality(invoice_ids), nullif(due_at, '-infinity'), left(error, 5)
from facteur.changes where error is null and due_at <= facteur.now() or error is not null and error not like 'the last verdict%';

-- What holds one submission, whatever a person does with it alone, as a reason of the view above: what waits has its own, a deposit what
-- keeps its statuses away, and what was rejected or has failed what it would wait for if it were sent again. Null: nothing does.
create or replace function facteur.holding(s facteur.submissions, out reason text, out detail text, out until timestamptz)
    language sql stable as $$
    select h.reason, h.detail, h.until
    from facteur.alive
    cross join lateral (select s.state in ('pending', 'rejected', 'failed') as sends, s.state not in ('sending', 'closed') as asks) is_one_that
    left join facteur.waiting_accounts a on a.account = s.account
    left join facteur.stores t on t.name = s.store
    left join facteur.waiting_rows w on w.submission_id = s.id and s.state in ('pending', 'in_doubt') and w.reason not in ('not_written_back', 'unread')
    cross join lateral (
        select 1 as rank, w.reason, w.detail, w.until where w.reason not in ('put_off', 'in_doubt', 'queued', 'relay')
        union all select 2, 'deposits_off', null, null where sends and alive.deposits_enabled is false
        union all select 3, a.cause, case a.cause when 'request_limit' then trim_scale(round(a.per_minute::numeric, 2))::text else a.detail end, a.until
        where asks and a.cause is not null
        union all select 4, a.deposits_cause, a.detail, a.until where sends and a.deposits_cause is not null
        union all select 5, 'store_refused', format('%s (%s)', t.reason, t.name), null where sends and t.name is not null
        union all select 6, w.reason, w.detail, w.until where w.reason in ('queued', 'relay')
        union all select 7, 'relay', null, null where alive.relay is not true and s.queued_at is null and s.state in ('pending', 'in_doubt', 'sending')
    ) h order by h.rank limit 1
$$;

-- The command that helps with a reason.
create or replace function facteur.waiting_step(p_reason text, p_account text) returns text
    language sql immutable parallel safe as $$
    select replace(case p_reason
        when 'deposits_off' then 'facteur preview, then deploy with DepositsEnabled=true'
        when 'account_paused' then 'facteur resume ACCOUNT --why "…"'
        when 'account_refused' then 'facteur doctor, then facteur resume ACCOUNT --why "…"'
        when 'platform_down' then 'facteur doctor'
        when 'account_limit' then 'facteur limit ACCOUNT N --why "…"'
        when 'request_limit' then 'facteur accounts'
        when 'store_refused' then 'facteur list --state pending --account ACCOUNT'
        when 'put_off' then 'facteur list --state pending --account ACCOUNT'
        when 'unreadable' then 'facteur list --unreadable'
        when 'queued' then 'facteur doctor'
        when 'relay' then 'facteur doctor'
        when 'sending' then 'facteur list --state sending'
        when 'in_doubt' then 'facteur list --state in_doubt --account ACCOUNT'
        when 'not_written_back' then 'facteur list --not-written-back'
        when 'silent' then 'facteur list --silent'
        when 'not_transmitted' then 'facteur list --not-transmitted'
        when 'not_followed' then 'facteur list --state submitted; see docs/accounts.md'
        when 'unread' then 'facteur list --unread'
        when 'not_ready' then 'facteur show id:KEY, which says what it lacks' end, 'ACCOUNT', coalesce(p_account, 'default'))
$$;

-- How many wait for what, since when the oldest, until when at least, and which command helps.
create or replace view facteur.waiting as
select reason, account, sum(n)::integer as count, min(since) as oldest, facteur.waiting_step(reason, account) as next_step,
       min(until) as until, string_agg(distinct detail, ', ') as detail
from facteur.waiting_rows group by reason, account order by min(since);

-- The age of the oldest of each reason: what alarms watch.
create or replace function facteur.oldest_waiting() returns table (reason text, seconds double precision)
    language sql stable as $$
    select w.reason, greatest(0, extract(epoch from facteur.now() - min(w.oldest)))::double precision from facteur.waiting w group by w.reason
$$;
