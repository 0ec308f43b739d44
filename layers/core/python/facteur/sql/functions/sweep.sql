-- Statuses by the platform's search: a slice of an account's deposits at a time. Locks: the account's turn, then submissions by id,
-- skipping what others hold.

-- Whose turn it is, and where to begin: accounts take turns, but those that another source follows (p_but); young deposits first, where asked for and where there are any. The
-- one that has been due for longest goes on the page, and what is due just before it as well.
create or replace function facteur.next_sweep(p_young boolean, p_rows integer, p_but text[] default '{}', out account text, out begin_at timestamptz, out young boolean, out by_number boolean)
    language plpgsql stable as $$
declare
    here timestamptz;
begin
    for account, by_number in
        select substr(b.key, 9), coalesce(w.by_number_until, '-infinity') > facteur.now()
        from facteur.budgets b left join facteur.sweeps w on w.account = substr(b.key, 9)
        where b.key like 'account:%' and not facteur.paused(b) and substr(b.key, 9) <> all (p_but)
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
create or replace function facteur.claim_sweep(p_lease_seconds double precision, p_young boolean, p_rows integer, p_page integer, p_numbers integer,
                                               p_but text[] default '{}')
    returns table (id bigint, account text, platform_id text, invoice_number text, deposited_at timestamptz, dated boolean, lifecycle_code text,
                   age_seconds double precision, due_since timestamptz, number_seen text, by_number boolean, not_shown integer,
                   late_seconds double precision)
    language plpgsql as $$
declare
    here record;
    members bigint[];
    numbers boolean;
begin
    select * into here from facteur.next_sweep(p_young, p_rows, p_but);
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
           case when l.due_at <= facteur.now() then l.due_at end, l.number_seen, numbers,
           coalesce((select w.not_shown from facteur.sweeps w where w.account = here.account), 0),
           greatest(0, extract(epoch from facteur.now() - l.due_at))::double precision
    from locked l order by l.deposited_at, l.id;
end $$;

-- Give back what was claimed and not seen: it is due as before, so that it does not lose its place; or in p_seconds.
create or replace function facteur.release_sweep(p_ids bigint[], p_due_at timestamptz[], p_seconds double precision) returns void
    language sql as $$
    update facteur.submissions s set due_at = coalesce(facteur.now() + make_interval(secs => p_seconds), r.due_at)
    from unnest(p_ids, p_due_at) as r(id, due_at)
    where s.id = r.id and s.state = 'submitted'
$$;

create or replace function facteur.sweep_by_number(p_account text, p_seconds double precision) returns void
    language sql as $$
    insert into facteur.sweeps (account, by_number_until) values (p_account, facteur.now() + make_interval(secs => p_seconds))
    on conflict (account) do update set by_number_until = excluded.by_number_until
$$;

-- How the search has shown an account's deposits: whether any of ours, or none of so many that it must know by now.
create or replace function facteur.note_shown(p_account text, p_shown integer, p_missed integer) returns void
    language sql as $$
    update facteur.sweeps set not_shown = case when p_shown > 0 then 0 else not_shown + 1 end,
        not_shown_since = case when p_shown = 0 then coalesce(not_shown_since, facteur.now()) end,
        blocked_since = case when p_shown = 0 then blocked_since end -- of a pull that was given up for the search
    where account = p_account and (p_shown > 0 and (not_shown > 0 or blocked_since is not null) or p_shown = 0 and p_missed > 0)
$$;

-- What of the search's answers is new (p_seen: id, platform_id, code, at, is_status, created_at, due_in, rank, wanted_every, over, state,
-- number): a status (code and date) that is neither stored nor asked for, whatever its date; its date counts only where it can be
-- true. `moves`: it is the life cycle's newest, or ends it. `mistaken`: the deposit is shown under another number than was sent.
create or replace function facteur.judge_seen(p_seen jsonb)
    returns table (id bigint, code text, at timestamptz, created_at timestamptz, due_in double precision, rank smallint, over boolean,
                   state text, number text, same boolean, differs boolean, is_new boolean, moves boolean, due boolean, mistaken boolean)
    language sql stable as $$
    with seen as (
        select r.id, shown.code, t.at, shown.created_at, r.due_in, r.rank, r.over, shown.state, shown.number, r.is_status, r.wanted_every, s as known,
               s.swept_id is not distinct from s.platform_id as same, facteur.ends(s.lifecycle_code) as ended
        from jsonb_to_recordset(p_seen) as r(id bigint, platform_id text, code text, at timestamptz, is_status boolean, created_at timestamptz,
                                             due_in double precision, rank smallint, wanted_every double precision, over boolean, state text, number text)
        join facteur.submissions s on s.id = r.id and s.platform_id = r.platform_id and s.state = 'submitted'
        left join lateral (select r.code, r.at, r.created_at, r.state, r.number where not facteur.is_former(s)) shown on true -- else of another client's
        cross join lateral (select case when shown.at between least(s.submitted_at, s.deposited_at) - interval '1 day'
                                                     and facteur.now() + interval '1 day' then shown.at end as at) t
    ), compared as (
        select seen.*, seen.code is not null and (not seen.same or (seen.known).swept_code is distinct from seen.code
                   or seen.at is distinct from (seen.known).swept_at and seen.at is not null and (seen.known).swept_at is not null)
               or seen.state is not null and seen.state is distinct from (seen.known).swept_state as differs
        from seen
    ), judged as (
        select c.*, c.differs and (c.state is not null or not exists (
                   select from facteur.status_events e
                   where e.submission_id = c.id and e.platform_id = (c.known).platform_id and e.code = c.code
                     and (c.at is null or e.occurred_at = c.at))) as is_new
        from compared c
    )
    select j.id, j.code, j.at, j.created_at, j.due_in, j.rank, j.over, j.state, j.number, j.same, j.differs, j.is_new,
           j.is_new and j.is_status and not coalesce(j.ended, false)
               and (facteur.ends(j.code) or j.at is null or (j.known).lifecycle_at is null or j.at > (j.known).lifecycle_at),
           j.is_new or coalesce(coalesce((j.known).history_since, '-infinity') < facteur.now() - make_interval(secs => j.wanted_every), false),
           j.number is not null and (j.known).number_seen is null
               and facteur.is_anothers(j.known, j.number)
    from judged j
$$;

-- Store what the search showed. What is new makes the history due, and is unread until a status says it; what moves the life cycle does
-- so at once: which of several statuses holds, the history decides. over: followed long enough. How many are new, and how many were
-- shown under another number.
create or replace function facteur.record_sweep(p_account text, p_seen jsonb, out fresh integer, out mistaken integer)
    language plpgsql as $$
declare
    over bigint[];
    wrong bigint[];
begin
    perform facteur.read_answered(p_account) where p_account is not null;
    perform from facteur.submissions s
    where s.id in (select (seen ->> 'id')::bigint from jsonb_array_elements(p_seen) seen) order by s.id for update;
    with judged as materialized (
        select * from facteur.judge_seen(p_seen)
    ), stored as (
        update facteur.submissions s set
            due_at = facteur.now() + make_interval(secs => j.due_in),
            swept_id = s.platform_id,
            swept_code = case when j.differs then j.code when j.same then s.swept_code end,
            swept_at = case when j.differs then j.at when j.same then s.swept_at end,
            swept_state = j.state,
            shown_created_at = coalesce(j.created_at, case when j.same then s.shown_created_at end),
            number_seen = coalesce(s.number_seen, j.number),
            lifecycle_code = case when j.moves then j.code else s.lifecycle_code end,
            lifecycle_at = case when j.moves then coalesce(j.at, facteur.now()) else s.lifecycle_at end,
            write_back_due_at = case when j.moves then coalesce(s.write_back_due_at, facteur.now()) else s.write_back_due_at end,
            history_due_at = case when j.due then facteur.now() else s.history_due_at end,
            history_since = case when j.due then facteur.now() else s.history_since end,
            history_rank = case when j.due then least(case when j.is_new then j.rank else 2 end, case when s.history_due_at is not null then s.history_rank end)
                                else s.history_rank end,
            unread_since = case when j.is_new and (j.code is not null and j.code not like 'state:%' or j.state is not null)
                                then coalesce(s.unread_since, facteur.now()) else s.unread_since end,
            updated_at = case when j.is_new then facteur.now() else s.updated_at end
        from judged j where s.id = j.id
        returning s.id, j.is_new, j.over and s.history_due_at is null as ends, j.mistaken
    )
    select count(*) filter (where stored.is_new), array_agg(stored.id) filter (where stored.ends),
           coalesce(array_agg(stored.id) filter (where stored.mistaken), '{}')
    into fresh, over, wrong from stored;
    mistaken := cardinality(wrong);
    perform facteur.stop_mistaken(wrong) where mistaken > 0;
    perform facteur.move_submission(ended, '{"state": "closed"}') from unnest(over) ended;
end $$;
