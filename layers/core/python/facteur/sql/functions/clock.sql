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

-- The clock has been set back since the relay last ran: whatever was planned or noted by the one that was ahead would wait for as long
-- as it was. A lease ends by itself (end_expired_leases), a bucket thaws. Locks the rows that lie in the future, in no order: the only
-- writer of many, and repeated by the next run where it fails.
create or replace function facteur.follow_clock() returns void
    language plpgsql as $$
declare
    ahead constant interval := (select relay_began_at - facteur.now() from facteur.installation);
begin
    if ahead is null or ahead < interval '1 minute' then
        return;
    end if;
    update facteur.submissions set due_at = facteur.brought_forward(due_at, ahead), queued_at = facteur.by_now(queued_at),
        doubt_since = facteur.by_now(doubt_since), write_back_due_at = facteur.brought_forward(write_back_due_at, ahead),
        history_due_at = facteur.brought_forward(history_due_at, ahead), alone_since = facteur.by_now(alone_since),
        submitted_at = facteur.by_now(submitted_at), history_since = facteur.by_now(history_since),
        unread_since = facteur.by_now(unread_since), untold_since = facteur.by_now(untold_since), created_at = facteur.by_now(created_at)
    where state <> 'sending'
      and facteur.now() < greatest(due_at, queued_at, doubt_since, write_back_due_at, history_due_at, alone_since, submitted_at,
                                   history_since, unread_since, untold_since, created_at);
    update facteur.changes set due_at = facteur.brought_forward(due_at, ahead) where due_at > facteur.now();
    update facteur.sweeps set taken_until = facteur.brought_forward(taken_until, ahead), told_at = facteur.by_now(told_at),
        by_number_until = facteur.brought_forward(by_number_until, ahead)
    where facteur.now() < greatest(taken_until, told_at, by_number_until);
end $$;
