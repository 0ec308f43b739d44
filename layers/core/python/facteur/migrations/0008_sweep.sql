-- Sweep: pages of the platform's search tell which deposits have news; only those have their history read.

-- Whose turn it is, and where to begin: accounts take turns; young deposits first, where asked for and where there are any. The
-- one that has been due for longest goes on the page, and what is due just before it as well.
create function facteur.next_sweep(p_young boolean, p_rows integer, out account text, out begin_at timestamptz, out young boolean, out by_number boolean)
    language plpgsql stable as $$
declare
    here timestamptz;
begin
    for account, by_number in
        select substr(b.key, 9), coalesce(w.by_number_until, '-infinity') > facteur.now()
        from facteur.budgets b left join facteur.sweeps w on w.account = substr(b.key, 9)
        where b.key like 'account:%' and not facteur.paused(b)
        order by coalesce(w.turn_at, '-infinity'), b.key
    loop
        select s.deposited_at into here from facteur.submissions s
        where p_young and s.account = next_sweep.account and s.state = 'submitted' and s.due_at <= facteur.now()
          and s.deposited_at > facteur.now() - interval '1 hour'
        order by s.due_at, s.deposited_at limit 1;
        young := here is not null;
        if not young then
            select s.deposited_at into here from facteur.submissions s
            where s.account = next_sweep.account and s.state = 'submitted' and s.due_at <= facteur.now()
            order by s.due_at, s.deposited_at limit 1;
        end if;
        if here is not null then
            select min(before.deposited_at) filter (where before.due_at <= facteur.now()) into begin_at
            from (select s.deposited_at, s.due_at from facteur.submissions s
                  where s.account = next_sweep.account and s.state = 'submitted' and s.deposited_at <= here
                  order by s.deposited_at desc, s.id desc limit p_rows) before;
            return;
        end if;
    end loop;
    account := null;
end $$;

-- Claim a slice: deposits that follow each other in time, as many as fit on a page, due ones and what lies between. The due ones
-- are put off by p_lease_seconds, so that an overlapping run takes others and a run that died loses nothing. Where most of what
-- was deposited in between is over (ids are a good guess at it), due ones are searched for by their numbers instead: p_numbers
-- of them fit into a query, p_page entries on a page.
create function facteur.claim_sweep(p_lease_seconds double precision, p_young boolean, p_rows integer, p_page integer, p_numbers integer)
    returns table (id bigint, account text, platform_id text, invoice_number text, deposited_at timestamptz, dated boolean, lifecycle_code text,
                   age_seconds double precision, due_since timestamptz, by_number boolean)
    language plpgsql as $$
declare
    here record;
    members bigint[];
    numbers boolean;
begin
    select * into here from facteur.next_sweep(p_young, p_rows);
    if here.account is null then
        return;
    end if;
    insert into facteur.sweeps (account, turn_at) values (here.account, facteur.now())
    on conflict on constraint sweeps_pkey do update set turn_at = excluded.turn_at;
    with near as materialized (
        select s.id, s.due_at <= facteur.now() as is_due, s.deposited_at as at from facteur.submissions s
        where s.account = here.account and s.state = 'submitted' and s.deposited_at >= here.begin_at
        order by s.deposited_at, s.id limit p_rows
    ), slice as (
        select near.* from near where near.at <= (select max(n.at) from near n where n.is_due)
    )
    select array_agg(slice.id), here.by_number or
           ceil((max(slice.id) - min(slice.id) + 1)::numeric / p_page) > greatest(1, count(*) filter (where is_due)::numeric / p_numbers)
    into members, numbers from slice;
    if numbers then
        members := array(
            select s.id from facteur.submissions s
            where s.account = here.account and s.state = 'submitted' and s.due_at <= facteur.now()
              and (not here.young or s.deposited_at >= here.begin_at)
            order by s.due_at, s.deposited_at limit p_rows);
    end if;
    return query
    with locked as materialized (
        select s.* from facteur.submissions s where s.id = any (members) and s.state = 'submitted' order by s.id for update skip locked
    ), leased as (
        update facteur.submissions s set due_at = facteur.now() + make_interval(secs => p_lease_seconds)
        from locked l where s.id = l.id and l.due_at <= facteur.now()
    )
    select l.id, l.account, l.platform_id,
           coalesce((select a.invoice_number from facteur.attempts a where a.platform_id = l.platform_id order by a.id limit 1), l.invoice_number),
           l.deposited_at, l.deposited_at is distinct from l.submitted_at, l.lifecycle_code, extract(epoch from facteur.now() - l.submitted_at)::double precision,
           case when l.due_at <= facteur.now() then l.due_at end, numbers
    from locked l order by l.deposited_at, l.id;
end $$;

-- Give back what was claimed and not seen: it is due as before, so that it does not lose its place; or in p_seconds.
create function facteur.release_sweep(p_ids bigint[], p_due_at timestamptz[], p_seconds double precision) returns void
    language sql as $$
    update facteur.submissions s set due_at = coalesce(facteur.now() + make_interval(secs => p_seconds), r.due_at)
    from unnest(p_ids, p_due_at) as r(id, due_at)
    where s.id = r.id and s.state = 'submitted'
$$;

create function facteur.sweep_by_number(p_account text, p_seconds double precision) returns void
    language sql as $$
    insert into facteur.sweeps (account, by_number_until) values (p_account, facteur.now() + make_interval(secs => p_seconds))
    on conflict (account) do update set by_number_until = excluded.by_number_until
$$;

-- Store what the search showed of deposits (p_seen: id, platform_id, code, at, told, created_at, due_in, rank, wanted, over). A
-- status that differs from the one last swept, and is no older, makes the history due, unless the history has told it already; a
-- newer one moves the life cycle at once (told): which of several of one instant holds, the history decides. wanted: read the history although nothing changed, once a day at most. over: followed
-- long enough. How many are new.
create function facteur.record_sweep(p_account text, p_seen jsonb) returns integer
    language plpgsql as $$
declare
    over bigint[];
    fresh integer;
begin
    perform facteur.read_answered(p_account);
    perform from facteur.submissions s
    where s.id in (select (seen ->> 'id')::bigint from jsonb_array_elements(p_seen) seen) order by s.id for update;
    with seen as materialized (
        select r.*, s.swept_id is not distinct from s.platform_id as same,
               r.code is not null and (s.swept_code is null or s.swept_id is distinct from s.platform_id
                   or case when r.at is null or s.swept_at is null then r.code <> s.swept_code
                           else (r.at, r.code) > (s.swept_at, s.swept_code) end) as differs,
               r.code is not distinct from s.lifecycle_code and r.at is not distinct from s.lifecycle_at as known,
               r.told and (s.lifecycle_at is null or r.at > s.lifecycle_at) as newer,
               r.wanted and coalesce(s.history_since, '-infinity') < facteur.now() - interval '1 day' as asks
        from jsonb_to_recordset(p_seen) as r(id bigint, platform_id text, code text, at timestamptz, told boolean, created_at timestamptz,
                                             due_in double precision, rank smallint, wanted boolean, over boolean)
        join facteur.submissions s on s.id = r.id and s.platform_id = r.platform_id and s.state = 'submitted'
    ), judged as materialized (
        select seen.*, differs and not known as is_new, differs and not known or asks as due from seen
    ), stored as (
        update facteur.submissions s set
            due_at = facteur.now() + make_interval(secs => j.due_in),
            swept_id = s.platform_id,
            swept_code = case when j.differs then j.code when j.same then s.swept_code end,
            swept_at = case when j.differs then j.at when j.same then s.swept_at end,
            shown_created_at = coalesce(j.created_at, case when j.same then s.shown_created_at end),
            lifecycle_code = case when j.is_new and j.newer then j.code else s.lifecycle_code end,
            lifecycle_at = case when j.is_new and j.newer then j.at else s.lifecycle_at end,
            write_back_due_at = case when j.is_new and j.newer then coalesce(s.write_back_due_at, facteur.now()) else s.write_back_due_at end,
            history_due_at = case when j.due then facteur.now() else s.history_due_at end,
            history_since = case when j.due then facteur.now() else s.history_since end,
            history_rank = case when j.due then least(j.rank, case when s.history_due_at is not null then s.history_rank end)
                                else s.history_rank end,
            updated_at = case when j.is_new then facteur.now() else s.updated_at end
        from judged j where s.id = j.id
        returning s.id, j.is_new, j.over and s.history_due_at is null as ends
    )
    select count(*) filter (where is_new), array_agg(id) filter (where ends) into fresh, over from stored;
    perform facteur.move_submission(ended, '{"state": "closed"}') from unnest(over) ended;
    return fresh;
end $$;

-- Submissions whose history is wanted, the urgent ones first, put off by p_lease_seconds.
create function facteur.claim_histories(p_limit integer, p_lease_seconds double precision)
    returns table (id bigint, account text, platform_id text, lifecycle_code text, age_seconds double precision, swept_code text, swept_at timestamptz)
    language sql as $$
    with due as (
        select s.id from facteur.submissions s where s.state = 'submitted' and s.history_due_at <= facteur.now()
          and s.account <> all (array(select substr(b.key, 9) from facteur.budgets b where b.key like 'account:%' and facteur.paused(b)))
        order by s.history_rank, s.history_due_at limit p_limit for update skip locked
    )
    update facteur.submissions s set history_due_at = facteur.now() + make_interval(secs => p_lease_seconds)
    from due where s.id = due.id
    returning s.id, s.account, s.platform_id, s.lifecycle_code, extract(epoch from facteur.now() - s.submitted_at)::double precision,
              case when s.swept_id = s.platform_id then s.swept_code end, case when s.swept_id = s.platform_id then s.swept_at end
$$;

-- A history was read because a sweep asked for it (p_news: swept_code, swept_at as they were then). It is wanted no more, unless it
-- does not tell yet what the sweep saw, or another sweep has seen something else meanwhile: then again, later and later.
create function facteur.settle_history(p_submission_id bigint, p_news jsonb, p_due_at timestamptz, p_lags boolean) returns void
    language sql as $$
    update facteur.submissions s set
        due_at = case when s.state = 'submitted' then p_due_at else s.due_at end,
        history_due_at = case
            when p_lags then facteur.now() + least(interval '1 day', greatest(interval '1 minute', facteur.now() - s.history_since))
            when (s.swept_code, s.swept_at) is distinct from (p_news ->> 'swept_code', (p_news ->> 'swept_at')::timestamptz)
                 and s.swept_id = s.platform_id then facteur.now() end
    where s.id = p_submission_id and s.state in ('submitted', 'closed', 'rejected')
$$;
