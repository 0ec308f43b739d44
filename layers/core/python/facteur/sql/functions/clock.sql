-- What follows from a database clock that was ahead and is put right: nothing planned by it waits for as long as it was ahead.

-- What a clock noted that was ahead is no later than now. Not least(): that would make an instant of none.
create or replace function facteur.by_now(p_at timestamptz) returns timestamptz
    language sql stable as $$
    select case when p_at > facteur.now() then facteur.now() else p_at end
$$;

-- An instant that a clock planned which was ahead by so much; what is past stays.
create or replace function facteur.brought_forward(p_at timestamptz, p_ahead interval) returns timestamptz
    language sql stable as $$
    select case when p_at > facteur.now() then greatest(facteur.now(), p_at - p_ahead) else p_at end
$$;

-- The clock has been set back since the relay last ran: whatever was planned by the one that was ahead would wait for as long as it was,
-- and what it noted would be young for as long. Foreign dates, evidence and what only grows stay as they are; a lease ends by itself
-- (end_expired_leases), a bucket thaws (thaw_budgets). Locks the rows that lie in the future, in no order: the only writer of many, and
-- repeated by the next run where it fails. A test walks all columns.
create or replace function facteur.follow_clock() returns void
    language plpgsql as $$
declare
    ahead constant interval := (select relay_began_at - facteur.now() from facteur.installation);
begin
    if ahead is null or ahead < interval '1 minute' then
        return;
    end if;
    update facteur.submissions set due_at = case when state = 'sending' then due_at else facteur.brought_forward(due_at, ahead) end,
        queued_at = facteur.by_now(queued_at), doubt_since = facteur.by_now(doubt_since),
        write_back_due_at = facteur.brought_forward(write_back_due_at, ahead), history_due_at = facteur.brought_forward(history_due_at, ahead),
        alone_since = facteur.by_now(alone_since), submitted_at = facteur.by_now(submitted_at), history_since = facteur.by_now(history_since),
        unread_since = facteur.by_now(unread_since), unwritten_since = facteur.by_now(unwritten_since), unverified_at = facteur.by_now(unverified_at),
        contradicted_at = facteur.by_now(contradicted_at),
        created_at = facteur.by_now(created_at), updated_at = facteur.by_now(updated_at), finalized_at = facteur.by_now(finalized_at)
    where facteur.now() < greatest(case when state <> 'sending' then due_at end, queued_at, doubt_since, write_back_due_at, history_due_at, alone_since,
                                   submitted_at, history_since, unread_since, contradicted_at, unwritten_since, unverified_at,
                                   created_at, updated_at, finalized_at);
    update facteur.changes set due_at = facteur.brought_forward(due_at, ahead), broken_since = facteur.by_now(broken_since)
    where facteur.now() < greatest(due_at, broken_since);
    update facteur.sweeps set taken_until = facteur.brought_forward(taken_until, ahead), pulled_at = facteur.by_now(pulled_at),
        by_number_until = facteur.brought_forward(by_number_until, ahead), turn_at = facteur.by_now(turn_at),
        not_shown_since = facteur.by_now(not_shown_since), blocked_since = facteur.by_now(blocked_since)
    where facteur.now() < greatest(taken_until, pulled_at, by_number_until, turn_at, not_shown_since, blocked_since);
    update facteur.feeds set taken_until = facteur.brought_forward(taken_until, ahead), reached_at = facteur.by_now(reached_at), dated_at = facteur.by_now(dated_at),
        turn_at = facteur.by_now(turn_at), since = facteur.by_now(since), failing_since = facteur.by_now(failing_since), foreign_until = facteur.by_now(foreign_until)
    where facteur.now() < greatest(taken_until, reached_at, turn_at, since, failing_since, foreign_until);
    update facteur.stores set refused_since = facteur.by_now(refused_since), refused_at = facteur.by_now(refused_at)
    where facteur.now() < greatest(refused_since, refused_at);
    update facteur.runs set ended_at = facteur.by_now(ended_at), ok_at = facteur.by_now(ok_at) where facteur.now() < greatest(ended_at, ok_at);
    update facteur.routes set applied_at = facteur.now() where applied_at > facteur.now();
    update facteur.not_ready set seen_at = facteur.now() where seen_at > facteur.now();
    update facteur.tallies set since = facteur.by_now(since), at = facteur.by_now(at) where facteur.now() < greatest(since, at);
    update facteur.installation set poll_began_at = facteur.by_now(poll_began_at), forgotten_checked_at = facteur.by_now(forgotten_checked_at),
        everything_noted_at = facteur.by_now(everything_noted_at), not_ready_since = facteur.by_now(not_ready_since),
        not_ready_counted_at = facteur.by_now(not_ready_counted_at);
end $$;
