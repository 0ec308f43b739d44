-- Accounts: limits of their own and dated routes, each set by a person and recorded (p_act: operation, who, why).

-- Calls a minute of one account, beside the limit that all share; null: none of its own.
create function facteur.set_limit(p_account text, p_per_minute double precision, p_act jsonb) returns text
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
create function facteur.open_with(p_account text) returns text
    language sql stable as $$
    select string_agg(format('%s %s', n, replace(state, '_', ' ')), ', ' order by state)
    from (select state, count(*) as n from facteur.submissions
          where account = p_account and state in ('pending', 'sending', 'in_doubt', 'submitted') group by state) open
$$;

-- From p_since on, what is opened for an account is deposited with other credentials.
create function facteur.add_route(p_account text, p_since timestamptz, p_credentials text, p_act jsonb) returns text
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
