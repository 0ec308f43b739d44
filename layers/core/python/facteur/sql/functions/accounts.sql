-- Accounts: where an account deposits (its pin: platform and client), under which names, from which day on with which credentials, and
-- what a person says of it. Locks: the account's budget, then submissions that nobody holds; a pin locks the installation's row last.

-- The account whose credentials deposit an invoice that is opened at this moment.
create or replace function facteur.routed(p_account text, p_at timestamptz) returns text
    language plpgsql stable as $$
begin
    return coalesce((select r.credentials from facteur.routes r where r.account = p_account and r.since <= p_at
                     order by r.since desc, r.id desc limit 1), p_account);
end $$;

-- Routes that have begun: note what still waits to be sent with other credentials, so that it is judged anew; for a while, as a slow
-- run may yet commit what it opened before. How many accounts they are of.
create or replace function facteur.apply_routes() returns integer
    language plpgsql as $$
declare
    begun text[];
    left_behind text[];
begin
    with applied as (
        update facteur.routes set applied_at = facteur.now() where applied_at is null and since <= facteur.now() returning account
    )
    select coalesce(array_agg(distinct account), '{}') into begun from (
        select account from applied union all select account from facteur.routes where applied_at > facteur.now() - interval '15 minutes'
    ) routed;
    select coalesce(array_agg(distinct former.account), '{}') into left_behind from unnest(begun) named
    cross join lateral (select named as account union select r.credentials from facteur.routes r where r.account = named) former
    where former.account <> facteur.routed(named, facteur.now());
    perform facteur.note(array_agg(waiting.invoice_id)) from (
        select s.invoice_id, (row_number() over () - 1) / 1000 as chunk from facteur.submissions s
        where s.state = 'pending' and s.account = any (left_behind)
    ) waiting group by chunk;
    return cardinality(begun);
end $$;

-- The accounts that deposit as the same client of the same platform: one that was renamed has two names. Whichever of them asks
-- first is shown the statuses of all.
create or replace function facteur.names_of_client(p_account text) returns text[]
    language sql stable as $$
    select array_agg(account) from (
        select p_account as account union
        select other.name from facteur.accounts a join facteur.accounts other on other.pin = a.pin where a.name = p_account
    ) names
$$;

-- Whether what was made with this platform and client (as in attempts) and what a submission was deposited with (its digest) may share ids:
-- ids are the client's. What does not say whose it is may be anybody's.
create or replace function facteur.same_client(p_platform jsonb, p_client text) returns boolean
    language sql immutable parallel safe as $$
    select coalesce(md5(p_platform::text) = p_client, true)
$$;

-- Whether a submission was deposited as a client that its account is not any more. What the account is shown under its id by now is another
-- deposit; its own nobody follows (health.sql counts it).
create or replace function facteur.is_former(s facteur.submissions) returns boolean
    language sql stable as $$
    select not coalesce((select facteur.same_client(a.pin, s.client) from facteur.accounts a where a.name = s.account), true)
$$;

-- This database deposits with one platform and client per account. The first deposit that was accepted, or may have been, pins
-- them; a copy restored elsewhere, or a secret that leads elsewhere, does not match. Null: nothing is pinned yet. Whether the
-- secret names the platform itself (p_own_url) is remembered, for the relay: it reads no secrets, and knows only the setting.
create or replace function facteur.check_pin(p_account text, p_platform jsonb, p_own_url boolean default false) returns boolean
    language plpgsql as $$
declare
    matches constant boolean := (select a.pin = p_platform from facteur.accounts a where a.name = p_account);
begin
    if matches is not false then
        update facteur.accounts a set own_address = p_own_url where a.name = p_account and a.own_address <> p_own_url;
        insert into facteur.accounts (name, own_address) select p_account, true where p_own_url on conflict do nothing;
    end if;
    return matches;
end $$;

create or replace function facteur.pin(p_account text, p_platform jsonb) returns void
    language plpgsql as $$
begin
    insert into facteur.accounts as a (name, pin) select p_account, p_platform where p_platform is not null
    on conflict (name) do update set pin = excluded.pin where a.pin is null;
end $$;

-- Forget which platform and client an account deposits with: the next deposit that is accepted, or may have been, says it anew.
-- Doubts that the old client left cannot be looked up with another one.
create or replace function facteur.repin(p_account text, p_act jsonb, out pin jsonb, out doubts text[])
    language plpgsql as $$
begin
    perform set_config('lock_timeout', '5s', true);
    select a.pin into pin from facteur.accounts a where a.name = p_account for update;
    if pin is null then
        perform facteur.refuse_unknown_account(p_account);
        perform facteur.refuse(format('Account %s has no pin: its next deposit sets one.', p_account));
    end if;
    update facteur.accounts a set pin = null where a.name = p_account;
    doubts := array(
        select distinct s.invoice_id from facteur.submissions s, facteur.doubtful_attempts(s.invoice_id) a
        where s.account = p_account and s.state in ('in_doubt', 'sending') and a.outcome is distinct from 'accepted' and a.platform = pin
        order by s.invoice_id);
    perform facteur.log_operation(p_act, p_account, null, null, jsonb_build_object('pin', pin, 'doubts', cardinality(doubts)));
end $$;

-- An account begins with its bucket: whatever is opened for it, paused, or limited has one. Or with a route that leads to it.
create or replace function facteur.know_account() returns trigger
    language plpgsql as $$
begin
    insert into facteur.accounts (name) values (substr(new.key, 9)) on conflict do nothing;
    return null;
end $$;

create or replace function facteur.know_routed() returns trigger
    language plpgsql as $$
begin
    insert into facteur.accounts (name) values (new.credentials) on conflict do nothing;
    return null;
end $$;

-- Made once: putting a trigger in place anew would lock its table at each deploy.
do $$
begin
    if not exists (select from pg_trigger where tgrelid = 'facteur.budgets'::regclass and tgname = 'know_account') then
        create trigger know_account after insert on facteur.budgets for each row when (new.key like 'account:%') execute function facteur.know_account();
        create trigger know_routed after insert on facteur.routes for each row execute function facteur.know_routed();
    end if;
end $$;

-- Those that deposited, or will, or name others in a route: after a restore even the first may have to be paused before its first invoice.
create or replace function facteur.known_accounts() returns text[]
    language sql stable as $$
    select array_agg(name order by name) from (
        select 'default' as name union select name from facteur.accounts union select account from facteur.routes) known
$$;

create or replace function facteur.refuse_unknown_account(p_account text) returns void
    language plpgsql as $$
begin
    if p_account <> all (facteur.known_accounts()) then
        perform facteur.refuse(format('There is no account %s; there are: %s. A new one is there once a row shows it.',
                                      p_account, array_to_string(facteur.known_accounts(), ', ')));
    end if;
end $$;

-- Whether a row of the company's is of this account: a restored database may have forgotten that it ever deposited.
create or replace function facteur.shows_account(p_account text) returns boolean
    language plpgsql stable as $$
begin
    return exists (select from facteur.read_keys(format(
        'select s.invoice_id::text from facteur.invoice_source s where coalesce(nullif(pg_catalog.btrim(%s::text), %L), %L) operator(pg_catalog.=) $1 limit 1',
        facteur.source_column('account'), '', 'default'), p_account));
exception when others or assert_failure then -- no view, or one that raises
    return false;
end $$;

-- Nothing of the account is claimed from now on; what is under way ends. Until a person resumes it, or for p_seconds.
create or replace function facteur.hold(p_account text, p_seconds double precision, p_act jsonb) returns text
    language plpgsql as $$
declare
    until constant timestamptz := coalesce(facteur.now() + make_interval(secs => p_seconds), 'infinity');
    routed constant text := facteur.routed(p_account, facteur.now());
begin
    perform set_config('lock_timeout', '5s', true);
    if not facteur.shows_account(p_account) then
        perform facteur.refuse_unknown_account(p_account);
    end if;
    insert into facteur.budgets (key, hold_until, hold_by, hold_why) values ('account:' || p_account, until, p_act ->> 'who', p_act ->> 'why')
    on conflict (key) do update set hold_until = excluded.hold_until, hold_by = excluded.hold_by, hold_why = excluded.hold_why;
    perform facteur.log_operation(p_act, p_account, null, null, jsonb_build_object('until', until));
    return format('Account %s is paused %s. What is under way ends; no other account waits.%s', p_account,
                  case when until = 'infinity' then 'until somebody resumes it'
                       else 'until ' || to_char(until at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') end,
                  case when routed <> p_account then format(' Its new invoices go to %s now: pause that one as well.', routed) end);
end $$;

-- Whether an invoice that was put off for this cause was so for its account or the platform, and not for itself.
create or replace function facteur.is_accounts(p_error_code text) returns boolean
    language sql immutable parallel safe as $$
    select coalesce(p_error_code in (
        'account_refused', 'account_misconfigured', 'environment_mismatch', 'not_implemented', 'other_seller', 'secret_malformed',
        'secret_unreadable', 'platform_moved', 'token_refused',
        'token_unavailable', 'too_many_requests', 'platform_unavailable', 'platform_unreachable', 'no_answer', 'connection_reset', 'platform_down'), false)
$$;

-- Ends a person's pause, an automatic one, and the breaker, and with them the waiting of all that was put off for any of these, also for
-- one that another pause has replaced since. An account that was refused begins with a read, at once.
create or replace function facteur.resume(p_account text, p_act jsonb) returns text
    language plpgsql as $$
declare
    b facteur.budgets;
begin
    perform set_config('lock_timeout', '5s', true);
    select * into b from facteur.budgets where key = 'account:' || p_account for update;
    if b.key is null or not facteur.paused(b) and not b.probing and b.recovery is null then
        perform facteur.refuse_unknown_account(p_account);
        return format('Account %s is not paused.', p_account);
    end if;
    perform facteur.log_operation(p_act, p_account, null, null, jsonb_build_object('hold_by', b.hold_by, 'pause_reason', b.pause_reason));
    update facteur.budgets set hold_until = null, hold_by = null, hold_why = null, paused_until = null, pause_reason = null,
        probing = false, failures = 0, recovery = case when b.recovery is not null then 'read' end,
        refusals = 0, refused_at = null, deposits_at = null, deposits_wait = null
    where key = b.key;
    update facteur.submissions set due_at = facteur.now() where id in (
        select id from facteur.submissions where account = p_account and state in ('pending', 'in_doubt') and queued_at is null and due_at > facteur.now()
          and facteur.is_accounts(last_error_code) and coalesce(lease_until, '-infinity') <= facteur.now() order by id for update skip locked);
    return format('Account %s goes on.', p_account);
end $$;

-- Calls a minute of one account, beside the limit that all share; null: none of its own.
create or replace function facteur.set_limit(p_account text, p_per_minute double precision, p_act jsonb) returns text
    language plpgsql as $$
declare
    before double precision;
begin
    perform set_config('lock_timeout', '5s', true);
    perform facteur.refuse_unknown_account(p_account);
    if not p_per_minute between 1 and 1e6 then
        perform facteur.refuse('A limit is between 1 and 1,000,000 calls a minute; to stop an account: facteur pause.');
    end if;
    insert into facteur.budgets (key) values ('account:' || p_account) on conflict do nothing;
    select per_minute into before from facteur.budgets where key = 'account:' || p_account for update;
    update facteur.budgets set per_minute = p_per_minute where key = 'account:' || p_account;
    perform facteur.log_operation(p_act, p_account, null, null, jsonb_build_object('per_minute', p_per_minute, 'before', before));
    return format('Account %s may make %s (before: %s).', p_account,
                  case when p_per_minute is null then 'as many calls as REQUESTS_PER_MINUTE lets all make' else p_per_minute || ' calls a minute' end,
                  coalesce(before::text, 'no limit of its own'));
end $$;

-- What is open with an account's credentials, as a sentence's part; null: nothing.
create or replace function facteur.open_with(p_account text) returns text
    language sql stable as $$
    select string_agg(format('%s %s', n, replace(state, '_', ' ')), ', ' order by state)
    from (select state, count(*) as n from facteur.submissions
          where account = p_account and state in ('pending', 'sending', 'in_doubt', 'submitted') group by state) open
$$;

-- From p_since on, what is opened for an account is deposited with other credentials.
create or replace function facteur.add_route(p_account text, p_since timestamptz, p_credentials text, p_act jsonb) returns text
    language plpgsql as $$
declare
    before constant text := facteur.routed(p_account, p_since);
    left_open constant text := facteur.open_with(before);
    others text;
begin
    perform facteur.refuse_unknown_account(p_account);
    if p_credentials !~ '^[A-Za-z0-9_+=.@-]+$' then
        perform facteur.refuse('The credentials are named by the last part of their secret: letters, digits and _+=.@-, without a slash.');
    elsif p_since < facteur.now() - interval '1 day' then
        perform facteur.refuse('That date is more than a day ago: what was opened since then is on its way. Name today or a later day.');
    elsif before = p_credentials then
        perform facteur.refuse(format('On that date account %s is deposited with %s already.', p_account, p_credentials));
    end if;
    insert into facteur.routes (account, since, credentials) values (p_account, p_since, p_credentials);
    perform facteur.log_operation(p_act, p_account, null, null, jsonb_build_object('since', p_since, 'to', p_credentials, 'before', before));
    select string_agg(distinct r.account, ', ') into others from facteur.routes r
    where r.account <> p_account and facteur.routed(r.account, p_since) = p_account;
    return concat_ws(' ',
        format('From %s on, what is opened for account %s is deposited with the secret of %s.',
               to_char(p_since at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), p_account, p_credentials),
        format('Open with %s now: %s. What is pending then moves, the rest stays: keep its secret.', before, coalesce(left_open, 'nothing')),
        case when others is not null then format('Routed to %s stays: %s. Routes do not follow each other.', p_account, others) end);
end $$;
