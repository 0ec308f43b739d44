-- How often a platform may be called, by whom first, and when not at all: token buckets, pauses, the breaker. Spends what is there and
-- owes what a person asks. Locks: buckets, always in the order of their keys, and after submissions.

-- By the platform, by the breaker, or by a person.
create or replace function facteur.paused(b facteur.budgets) returns boolean
    language sql stable as $$
    select coalesce(greatest(b.paused_until, b.hold_until) > facteur.now(), false)
$$;

-- The share of its rate that a bucket may spend: it was asked to slow down, and earns a tenth back with each quiet minute.
create or replace function facteur.rate_factor(b facteur.budgets) returns double precision
    language sql stable as $$
    select least(1, b.rate_factor + coalesce(greatest(0, extract(epoch from facteur.now() - b.slowed_at)), 0) / 600)
$$;

-- The platform's limit is lower than ours: it says 429, or resets connections. Calls that were under way together count once.
create or replace function facteur.slow_down(p_key text) returns void
    language plpgsql as $$
begin
    update facteur.budgets b set rate_factor = greatest(0.1, 0.7 * facteur.rate_factor(b)), slowed_at = facteur.now()
    where key = p_key and coalesce(slowed_at, '-infinity') < facteur.now() - interval '10 seconds';
end $$;

-- What a bucket holds now: ten seconds' worth at most, or p_least where that is more. Less than nothing where calls are owed. An
-- account's own limit counts where it is the lower one.
create or replace function facteur.available(b facteur.budgets, p_per_minute double precision, p_least double precision default 10) returns double precision
    language sql stable as $$
    select least(brim, coalesce(b.tokens, brim) + rate / 60 * greatest(0, extract(epoch from facteur.now() - b.refilled_at)))
    from (select rate, greatest(1, least(rate, greatest(p_least, rate / 6))) as brim
          from (select least(p_per_minute, b.per_minute) * facteur.rate_factor(b) as rate) slowed) bucket
$$;

-- Take up to p_wanted permits from the account, the source address, and (if named) an endpoint with a rate of its own, whichever
-- has fewest. A paused bucket gives none; one whose breaker is open, or that was refused, gives a single probe, and then pauses for
-- another minute.
-- Buckets are locked in key order; they hold ten seconds' worth, the first two at least ten. Reads of statuses come last: while anything else
-- is on the queue they have a tenth of the rate and no more, but that for certain: what is not there for them is owed.
create or replace function facteur.take_permits(p_account text, p_wanted integer, p_per_minute double precision,
                                     p_endpoint text default null, p_endpoint_per_minute double precision default null,
                                     p_statuses boolean default false)
    returns integer
    language plpgsql as $$
declare
    share constant double precision := 0.1;
    last constant boolean := p_statuses and exists (select from facteur.submissions where queued_at > facteur.now() - interval '1 minute');
    keys constant text[] := array_remove(array['account:' || p_account, 'address', p_endpoint, case when last then 'statuses' end], null);
    granted integer;
begin
    insert into facteur.budgets (key) select unnest(keys) on conflict do nothing;
    with filled as materialized (
        select key, probing or coalesce(recovery = 'read', false) as probing, facteur.paused(b) as paused,
               case when key = p_endpoint then facteur.available(b, p_endpoint_per_minute, 0)
                    when key = 'statuses' then facteur.available(b, share * p_per_minute, 1)
                    else facteur.available(b, p_per_minute) end as available,
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

-- What a person asks of the platform counts, too, but does not wait: it is owed.
create or replace function facteur.spend(p_account text, p_permits integer) returns void
    language plpgsql as $$
begin
    perform from facteur.budgets where key in ('address', 'account:' || p_account) order by key for update;
    update facteur.budgets set tokens = tokens - p_permits where key in ('address', 'account:' || p_account);
end $$;

-- Spend nothing from a bucket for a while: 'account:<name>' or 'history'. A 429 also slows down what it counts: the source address, or the endpoint.
-- p_refused: the account was refused (401, 403, 404, its secret). Then it is not time that ends the waiting, but a read that is answered.
create or replace function facteur.pause(p_key text, p_seconds double precision, p_reason text, p_refused boolean default false) returns timestamptz
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
create or replace function facteur.note_answered(p_account text, p_answered boolean) returns void
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
create or replace function facteur.begin_read(p_account text) returns boolean
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

-- A read of an account was answered as documented: a look-up, a read of statuses, or what begin_read was for. One that was under way when the
-- account was refused says nothing.
create or replace function facteur.read_answered(p_account text) returns void
    language plpgsql as $$
begin
    perform facteur.note_answered(p_account, true);
    update facteur.budgets set recovery = 'deposit', paused_until = null, pause_reason = null
    where key = 'account:' || p_account and recovery = 'read' and coalesce(paused_until, '-infinity') <= facteur.now() + interval '1 minute';
end $$;

-- What a deposit of an account came to: 'accepted', 'judged' (the invoice itself was refused), or 'refused', by anybody, also where
-- its outcome is unknown. Once the account itself was refused, or five deposits in a row came to nothing, deposits go one at a
-- time, each after a longer wait, until one is accepted. Those that began before the last refusal (p_began) add nothing to the wait.
create or replace function facteur.note_deposit(p_account text, p_outcome text, p_began timestamptz, p_account_refused boolean default false)
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
create or replace function facteur.deposits_admitted(b facteur.budgets) returns integer
    language sql stable as $$
    select case b.recovery when 'read' then 0
                           when 'deposit' then case when b.deposits_at > facteur.now() then 0 else 1 end end
$$;

-- What a call means for its account: whether the platform is up, whether the account waits, and how its deposits go on.
create or replace function facteur.note_outcome(p_outcome jsonb, p_began timestamptz) returns void
    language plpgsql as $$
declare
    account constant text := p_outcome ->> 'account';
    outcome constant text := p_outcome -> 'attempt' ->> 'outcome';
    refused constant boolean := coalesce((p_outcome ->> 'refused')::boolean, false);
begin
    perform facteur.note_answered(account, (p_outcome ->> 'answered')::boolean) where p_outcome ? 'answered';
    perform facteur.read_answered(account) where p_outcome ? 'read_answered';
    perform facteur.pause('account:' || account, (p_outcome ->> 'pause_seconds')::double precision, p_outcome -> 'move' ->> 'error_code', refused)
    where p_outcome ? 'pause_seconds';
    perform facteur.note_deposit(account, case outcome when 'accepted' then 'accepted' when 'rejected' then 'judged' else 'refused' end, p_began, refused)
    where outcome in ('accepted', 'rejected', 'unknown') or outcome = 'not_deposited' and refused;
end $$;

-- What a clock that was ahead wrote into a bucket: its filling goes on from now, and a pause of its own ends as much earlier as the
-- clock was ahead. A person's pause stays.
create or replace function facteur.thaw_budgets() returns void
    language sql as $$
    update facteur.budgets set refilled_at = facteur.now(), slowed_at = facteur.by_now(slowed_at),
        refused_at = facteur.by_now(refused_at), paused_until = paused_until - (refilled_at - facteur.now()),
        deposits_at = deposits_at - (refilled_at - facteur.now())
    where refilled_at > facteur.now() + interval '1 minute'
$$;

-- Of the requests that the address holds when nobody has taken any, how many are taken: 0 to 100.
create or replace function facteur.budget_use_percent(p_bucket facteur.budgets, p_per_minute double precision) returns double precision
    language plpgsql stable as $$
declare
    brimming facteur.budgets := p_bucket;
begin
    brimming.tokens := null;
    return 100 * (1 - greatest(0, facteur.available(p_bucket, p_per_minute) / facteur.available(brimming, p_per_minute)));
end $$;
