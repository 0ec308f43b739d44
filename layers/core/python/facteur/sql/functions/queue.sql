-- Which submissions go on the queue now, doubts first, no more than there are permits for. Locks: those rows until SQS has answered,
-- skipping what others hold; then the installation's row.

-- Lock the rows to put on the queue, doubts first, then oldest first: what would get its permits now, less what was queued a moment ago, and never
-- more than a minute's worth altogether. More would only travel to be sent back. Look-ups get half of the permits at most while
-- deposits wait. An account whose breaker is open, or that was refused, gets one message: its reader first makes a harmless read.
-- The caller sends the ids, marks what SQS accepted, and commits; a claim waits for that commit.
create or replace function facteur.pick_due(p_limit integer, p_per_minute double precision, p_deposits_enabled boolean) returns setof bigint
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
    select facteur.available(b, p_per_minute) - coalesce((
        select sum(case state when 'in_doubt' then look_up else 1 end) from facteur.submissions
        where queued_at > facteur.now() - moment), 0) into address from facteur.budgets b where b.key = 'address';
    for budget in
        select substr(b.key, 9) as account, one, least(p_per_minute, b.per_minute) as rate, facteur.deposits_admitted(b) as admitted,
               case when one then 1 else facteur.available(b, p_per_minute) end as permits
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
        select p.ids, p.spent into ids, spent from facteur.pick_of(budget.account, allowed, deposits, look_up) p;
        address := address - spent;
        return query select unnest(ids);
    end loop;
end $$;

-- How many look-ups go beside waiting deposits: half of the permits, and where those are fewer than two look-ups cost, one as often as makes
-- it half in the long run. One each time would be all of them: a look-up may begin with a single permit, and owes the rest.
create or replace function facteur.look_ups_beside_deposits(p_allowed double precision, p_look_up integer) returns integer
    language sql volatile as $$
    select case when p_allowed >= 2 * p_look_up then floor(p_allowed / 2 / p_look_up)::integer
                else (random() < floor(p_allowed) / (p_look_up + least(floor(p_allowed), p_look_up)))::integer end
$$;

-- The rows of one account that so many permits (p_allowed) pay for, locked: doubts, of p_look_up permits each, and no more deposits than
-- p_deposits. What they cost.
create or replace function facteur.pick_of(p_account text, p_allowed double precision, p_deposits integer, p_look_up integer,
                                        out ids bigint[], out spent double precision)
    language sql as $$
    with doubts as materialized (
        select id, due_at from facteur.submissions
        where account = p_account and queued_at is null and due_at <= facteur.now() and state = 'in_doubt'
        order by due_at, id
        limit case when p_deposits > 0 and exists (
                       select from facteur.submissions
                       where account = p_account and queued_at is null and due_at <= facteur.now() and state = 'pending')
                   then (select facteur.look_ups_beside_deposits(p_allowed, p_look_up)) else ceil(p_allowed / p_look_up) end
        for update skip locked
    ), fresh as materialized (
        select id, due_at from facteur.submissions
        where account = p_account and queued_at is null and due_at <= facteur.now() and state = 'pending'
        order by due_at, id limit p_deposits for update skip locked
    ), afforded as (
        select id, cost, sum(cost) over (order by urgency, due_at, id) - cost as before
        from (select id, due_at, p_look_up as cost, 1 as urgency from doubts
              union all select id, due_at, 1, 2 from fresh) due
    )
    select coalesce(array_agg(id order by before), '{}'), coalesce(sum(cost), 0) from afforded where before < floor(p_allowed)
$$;

create or replace function facteur.mark_queued(p_ids bigint[]) returns integer
    language sql as $$
    with marked as (
        update facteur.submissions set queued_at = facteur.now() where id = any (p_ids) and state in ('pending', 'in_doubt') returning 1
    )
    select count(*)::integer from marked
$$;

-- One cheap look for the watching relay: is there anything to do, and is this still the newest run?
create or replace function facteur.look(p_run bigint, p_deposits_enabled boolean, out anything boolean, out newest boolean)
    language sql stable as $$
    select facteur.any_note(facteur.notes_seen())
        or exists (select from facteur.changes where due_at > '-infinity' and due_at <= facteur.now())
        or exists (select from facteur.submissions where queued_at is null and state in ('pending', 'in_doubt') and due_at <= facteur.now()
                   and (state = 'in_doubt' or p_deposits_enabled))
        or exists (select from facteur.submissions where state = 'sending' and due_at <= facteur.now())
        or exists (select from facteur.submissions where write_back_due_at <= facteur.now()),
        (select relay_run = p_run from facteur.installation)
$$;

create or replace function facteur.begin_relay_run(p_deposits_enabled boolean default null, p_per_minute double precision default null) returns bigint
    language sql as $$
    select facteur.follow_clock();
    select facteur.apply_routes();
    select facteur.thaw_budgets();
    update facteur.installation set relay_run = relay_run + 1, relay_began_at = facteur.now(), deposits_enabled = p_deposits_enabled,
        requests_per_minute = p_per_minute
    returning relay_run
$$;
