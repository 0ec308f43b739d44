-- Vitals: what the relay tells of the whole installation once a minute, in one round trip. What is finished is not looked at.

-- The issue date of the oldest invoice in each state that is not yet a deposit, and how many need a person.
create index submissions_undeposited on facteur.submissions (state, issue_date)
    where state in ('pending', 'sending', 'in_doubt', 'failed') and not superseded;
create index submissions_mismatched on facteur.submissions (id) where mismatch is not null;

-- Whole days, by the calendar of Paris, since the issue date of the oldest invoice that is not deposited yet. 0: there is none.
create function facteur.oldest_undeposited_days() returns integer
    language sql stable as $$
    select coalesce(greatest(0, (facteur.now() at time zone 'Europe/Paris')::date - min(issued)), 0) from (
        select min(issue_date) as issued from facteur.submissions where state = 'pending' and not superseded
        union all select min(issue_date) from facteur.submissions where state = 'sending' and not superseded
        union all select min(issue_date) from facteur.submissions where state = 'in_doubt' and not superseded
        union all select min(issue_date) from facteur.submissions where state = 'failed' and not superseded
    ) oldest
$$;

-- Invoices whose rows show an error: failed ones, and deposited ones whose rows ask for another invoice by now.
create function facteur.failed_invoices() returns integer
    language sql stable as $$
    select ((select count(*) from facteur.submissions where state = 'failed' and not superseded)
          + (select count(*) from facteur.submissions where mismatch is not null and state in ('submitted', 'closed')))::integer
$$;

-- Of the requests that the address holds when nobody has taken any, how many are taken: 0 to 100.
create function facteur.budget_use_percent(p_bucket facteur.budgets, p_per_minute double precision) returns double precision
    language plpgsql stable as $$
declare
    brimming facteur.budgets := p_bucket;
begin
    brimming.tokens := null;
    return 100 * (1 - greatest(0, facteur.held(p_bucket, p_per_minute) / facteur.held(brimming, p_per_minute)));
end $$;

-- How long the deposit that was never heard of for longest has been silent; and how long what the search shows has gone untold by
-- any status. Both walk over what is wrong, and over the deposits of the last minutes.
create function facteur.oldest_silent_seconds() returns double precision
    language sql stable as $$
    select coalesce(greatest(0, extract(epoch from facteur.now() - min(submitted_at))), 0)::double precision
    from facteur.submissions where state = 'submitted' and lifecycle_code is null
$$;

create function facteur.oldest_unread_seconds() returns double precision
    language sql stable as $$
    select coalesce(greatest(0, extract(epoch from facteur.now() - min(unread_since))), 0)::double precision
    from facteur.submissions where unread_since is not null
$$;

-- Accounts with open deposits whose statuses cannot be seen: the search has shown none of their deposits in three answers, or a full page of unseen
-- statuses shows nothing new, or histories told what no pull had shown for a day.
create function facteur.accounts_not_shown() returns integer
    language sql stable as $$
    select count(*)::integer from facteur.sweeps w
    cross join lateral (select from facteur.submissions s where s.account = w.account and s.state = 'submitted' limit 1) open
    where not_shown >= 3 or blocked_since is not null
$$;

-- Deposits that are followed and that nobody asks for any more: their account was repinned to another client, and none of the pins is
-- of theirs. Where nobody was ever repinned nothing is read.
create function facteur.followed_by_nobody() returns integer
    language sql stable as $$
    with pins as (select pin.key as account, md5(pin.value::text) as client from facteur.installation i, jsonb_each(i.pins) pin),
    former as (
        select distinct md5((o.detail -> 'pin')::text) as client from facteur.operations o
        where o.operation = 'repin' and o.account in (select account from pins)
    )
    select count(*)::integer from former join facteur.submissions s on s.client = former.client
    where s.state = 'submitted' and former.client not in (select client from pins)
$$;

-- Rows whose last write-back, within a day, had to be believed. More than a thousand are as bad.
create function facteur.unverified_write_backs() returns integer
    language sql stable as $$
    select count(*)::integer from (
        select from facteur.submissions where unverified_at > facteur.now() - interval '1 day' limit 1000) believed
$$;

create function facteur.vitals(p_per_minute double precision, p_deposits_enabled boolean default true,
                               out overdue_seconds double precision, out doubt_seconds double precision, out untold_seconds double precision,
                               out undeposited_days integer, out failed integer, out breakers_open integer, out accounts_paused integer,
                               out rate_percent double precision, out budget_use_percent double precision, out forgotten integer,
                               out silent_seconds double precision, out unread_seconds double precision, out not_shown integer,
                               out unverified integer, out faults text[])
    language plpgsql as $$
declare
    bucket facteur.budgets;
begin
    -- A failed submission that a newer one of its invoice has replaced is nobody's concern: noted once, never looked at again.
    update facteur.submissions set superseded = true where id in (
        select f.id from facteur.submissions f where f.state = 'failed' and not f.superseded
          and exists (select from facteur.submissions n where n.invoice_id = f.invoice_id and n.id > f.id)
        for update of f skip locked);
    overdue_seconds := facteur.oldest_overdue_seconds(p_deposits_enabled);
    doubt_seconds := facteur.oldest_doubt_seconds();
    undeposited_days := facteur.oldest_undeposited_days();
    failed := facteur.failed_invoices();
    select coalesce(extract(epoch from facteur.now() - min(untold_since)), 0) into untold_seconds
    from facteur.submissions where write_back_due_at is not null;
    select count(*) filter (where probing), count(*) filter (where greatest(paused_until, held_until, deposits_at) > facteur.now())
    into breakers_open, accounts_paused from facteur.budgets where key like 'account:%';
    select * into bucket from facteur.budgets where key = 'address';
    rate_percent := 100 * facteur.rate_factor(bucket);
    budget_use_percent := facteur.budget_use_percent(bucket, p_per_minute);
    silent_seconds := facteur.oldest_silent_seconds();
    unread_seconds := facteur.oldest_unread_seconds();
    not_shown := facteur.accounts_not_shown();
    unverified := facteur.unverified_write_backs();
    faults := array(select format('%s; %s', f.what, f.fix) from facteur.installation_faults() f);
    perform facteur.count_not_ready();
    forgotten := facteur.note_forgotten(); -- once a day; else null
end $$;
