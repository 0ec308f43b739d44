-- Statuses of the source `pull`: stored before they are acknowledged, kept for a while where no deposit of ours is known. Locks: the
-- account's turn.

create or replace function facteur.accounts_to_pull() returns setof text
    language sql stable as $$
    select substr(b.key, 9) from facteur.budgets b left join facteur.sweeps w on w.account = substr(b.key, 9)
    cross join lateral ( -- a limit, lest a planner read all that is open to join it
        select from facteur.submissions s where s.account = substr(b.key, 9) and s.state = 'submitted' limit 1
    ) open
    where b.key like 'account:%' and not facteur.paused(b)
    order by coalesce(w.turn_at, '-infinity'), b.key
$$;

-- One reader at a time: two would acknowledge the same statuses, and pay for it.
create or replace function facteur.take_turn(p_account text, p_lease_seconds double precision) returns boolean
    language sql as $$
    with taken as (
        insert into facteur.sweeps as w (account, turn_at, taken_until)
        values (p_account, facteur.now(), facteur.now() + make_interval(secs => p_lease_seconds))
        on conflict (account) do update set turn_at = excluded.turn_at, taken_until = excluded.taken_until where w.taken_until <= facteur.now()
        returning 1
    )
    select exists (select from taken)
$$;

create or replace function facteur.end_turn(p_account text) returns void
    language sql as 'update facteur.sweeps set taken_until = ''-infinity'' where account = p_account';

-- Statuses of a deposit that were shown before its answer was recorded, and are not stored with it yet.
create or replace function facteur.early_statuses(p_account text, p_platform_id text) returns jsonb
    language sql stable as $$
    select coalesce(jsonb_agg(s.event), '[]') from facteur.unmatched_statuses s
    where s.account = any (facteur.names_of_client(p_account)) and s.platform_id = p_platform_id
      and not exists (select from facteur.status_events e where e.platform_id = s.platform_id and e.status_id = s.status_id and e.code = s.code
                      and e.submission_id in (select o.id from facteur.submissions o where o.platform_id = s.platform_id))
$$;

-- Those of these deposits that are ours, with the statuses known of them, and those that came too early.
create or replace function facteur.pulled_deposits(p_account text, p_platform_ids text[])
    returns table (id bigint, account text, platform_id text, lifecycle_code text, age_seconds double precision,
                   heard_at timestamptz, made_at timestamptz, known jsonb, early jsonb)
    language sql stable as $$
    select s.id, s.account, s.platform_id, s.lifecycle_code, coalesce(extract(epoch from facteur.now() - s.submitted_at), 0)::double precision,
           facteur.now(), coalesce(least(s.submitted_at, s.deposited_at), s.created_at),
           facteur.statuses_of(s.id, s.platform_id), facteur.early_statuses(s.account, s.platform_id)
    from facteur.submissions s
    where s.account = any (facteur.names_of_client(p_account)) and s.platform_id = any (p_platform_ids) and not facteur.is_former(s)
$$;

-- Keep what is nobody's here, for as long as an answer may still be under way; the old ones go.
create or replace function facteur.keep_unmatched(p_account text, p_events jsonb) returns void
    language sql as $$
    delete from facteur.unmatched_statuses where recorded_at < facteur.now() - interval '30 days';
    insert into facteur.unmatched_statuses (status_id, account, platform_id, code, event)
    select event ->> 'status_id', p_account, event ->> 'platform_id', event ->> 'code', event from jsonb_array_elements(p_events) event
    on conflict do nothing
$$;

-- Whether a full page of an account's unseen statuses shows nothing new: what is behind it is asked for by history meanwhile.
create or replace function facteur.note_blocked(p_account text, p_blocked boolean) returns void
    language sql as $$
    update facteur.sweeps set blocked_since = case when p_blocked then coalesce(blocked_since, facteur.now()) end
    where account = p_account and p_blocked <> (blocked_since is not null)
$$;

-- The pull showed a status of one of our deposits that was new, or lets be acknowledged: nobody else takes them. Whichever name of a
-- client asks first is shown them all.
create or replace function facteur.note_pulled(p_account text) returns void
    language sql as $$
    update facteur.sweeps set pulled_at = facteur.now(), not_shown = 0, not_shown_since = null
    where account = any (facteur.names_of_client(p_account))
$$;

-- A history showed what no pull has shown for a day: somebody else takes the statuses, a webhook perhaps.
create or replace function facteur.note_not_pulled(p_account text) returns void
    language sql as $$
    update facteur.sweeps set not_shown = not_shown + 1, not_shown_since = coalesce(not_shown_since, facteur.now()) where account = p_account
$$;

-- Accounts whose deposits are asked for by history, because a pull may not be shown what there is, or their feed fails.
create or replace function facteur.unseen_accounts() returns setof text
    language sql stable as $$
    select account from facteur.sweeps where blocked_since is not null or pulled_at < facteur.now() - interval '1 day'
    union select facteur.accounts_with_failing_feed()
$$;
