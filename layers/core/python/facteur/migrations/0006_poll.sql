-- Poll: ask for news, store them, and let them move the submission.

-- The statuses of a deposit in the order in which we heard of them.
create function facteur.statuses_of(p_submission_id bigint, p_platform_id text) returns jsonb
    language sql stable as $$
    select coalesce(jsonb_agg(to_jsonb(e) - 'raw' order by e.id), '[]') from facteur.status_events e
    where e.submission_id = p_submission_id and e.platform_id = p_platform_id
$$;

-- Submissions due for news, put off by p_lease_seconds so that an overlapping run takes others.
create function facteur.claim_news(p_limit integer, p_lease_seconds double precision)
    returns table (id bigint, account text, platform_id text, lifecycle_code text, age_seconds double precision,
                   heard_at timestamptz, made_at timestamptz, known jsonb)
    language sql as $$
    with due as (
        select s.id from facteur.submissions s where s.state = 'submitted' and s.due_at <= facteur.now()
          and s.account <> all (array(select substr(b.key, 9) from facteur.budgets b where b.key like 'account:%' and facteur.paused(b)))
        order by s.due_at limit p_limit for update skip locked
    )
    update facteur.submissions s set due_at = facteur.now() + make_interval(secs => p_lease_seconds)
    from due where s.id = due.id
    returning s.id, s.account, s.platform_id, s.lifecycle_code, extract(epoch from facteur.now() - s.submitted_at)::double precision,
              facteur.now(), least(s.submitted_at, s.deposited_at), facteur.statuses_of(s.id, s.platform_id)
$$;

-- Whether a sweep has seen something of a deposit that no status tells yet: a status of that code and date (of the code alone where
-- it ends the life cycle, where a date cannot be true, or where ten minutes of asking brought no better one), or a state that
-- refuses without a status that does.
create function facteur.unread(s facteur.submissions) returns boolean
    language sql stable as $$
    select s.swept_id is not distinct from s.platform_id and (
        s.swept_code is not null and s.swept_code not like 'state:%' and not exists (
            select from facteur.status_events e
            where e.submission_id = s.id and e.platform_id = s.platform_id and e.code = s.swept_code
              and (s.swept_at is null or not e.date_believed or s.swept_code in ('210', '213', '220', '501')
                   or e.occurred_at between s.swept_at - interval '1 second' and s.swept_at + interval '1 second'
                   or s.history_since < facteur.now() - interval '10 minutes'))
        or s.swept_state is not null and not exists (
            select from facteur.status_events e
            where e.submission_id = s.id and e.platform_id = s.platform_id and e.code in ('210', '213', '220', '501')))
$$;

-- Store what is new of statuses (a repeated read adds nothing); how many, and how long after the newest of them.
create function facteur.store_statuses(p_submission_id bigint, p_platform_id text, p_events jsonb,
                                       out stored integer, out seconds_after double precision)
    language sql as $$
    with inserted as (
        insert into facteur.status_events (status_id, submission_id, platform_id, code, platform_code, network_code, label, occurred_at,
                                           date_believed, date_given, caused_by, audience, reason, message, raw)
        select e.status_id, p_submission_id, p_platform_id, e.code, e.platform_code, e.network_code, e.label, e.occurred_at,
               coalesce(e.date_believed, true), e.date_given, e.caused_by, e.audience, e.reason, e.message, e.raw
        from jsonb_array_elements(p_events) with ordinality as listed(event, place)
        cross join jsonb_to_record(listed.event)
             as e(status_id text, code text, platform_code text, network_code text, label text, occurred_at timestamptz,
                  date_believed boolean, date_given text, caused_by text, audience text, reason text, message text, raw jsonb)
        order by listed.place
        on conflict on constraint status_events_once do nothing
        returning occurred_at
    )
    select count(*)::integer, greatest(0, extract(epoch from facteur.now() - max(occurred_at)))::double precision from inserted
$$;

-- Whether news of a deposit still decide. Of one that ended, only a refusal that came later (closed), what contradicts the refusal,
-- or the reason of one that was known without it (rejected; nothing newer may have taken over).
create function facteur.may_move(s facteur.submissions, p_news jsonb) returns boolean
    language sql stable as $$
    select s.platform_id = p_news ->> 'platform_id' and case s.state
        when 'submitted' then true
        when 'closed' then p_news -> 'move' ->> 'state' = 'rejected' or p_news ? 'objection'
        when 'rejected' then (p_news -> 'objection' ->> 'code' = 'contradictory_statuses'
                              or s.unread_since is not null and p_news -> 'move' ->> 'state' <> 'submitted')
             and not exists (select from facteur.submissions n where n.invoice_id = s.invoice_id and n.id > s.id)
        else false end
$$;

-- What follows from a refusal: a question about a duplicate only where another attempt may have made the other deposit, else the
-- deposit keeps what it has reached (p_news: otherwise); a refusal is final only where no other attempt's outcome is unknown.
create function facteur.move_of(s facteur.submissions, p_news jsonb) returns jsonb
    language plpgsql as $$
declare
    move constant jsonb := p_news -> 'move';
    open_elsewhere constant boolean := exists (
        select from facteur.attempts a
        where a.invoice_id = s.invoice_id and a.platform_id is distinct from s.platform_id and coalesce(a.outcome, 'unknown') in ('unknown', 'not_found'));
begin
    if move ->> 'state' = 'in_doubt' and p_news ? 'otherwise' and not open_elsewhere then
        return p_news -> 'otherwise';
    elsif move ->> 'state' = 'in_doubt' then -- this deposit is the duplicate; an earlier one may be the invoice
        update facteur.attempts a set outcome = 'duplicate' where a.platform_id = s.platform_id and a.invoice_id = s.invoice_id;
    elsif move ->> 'state' = 'rejected' and exists (
        select from facteur.attempts a where a.submission_id = s.id and (a.outcome is null or a.outcome = 'unknown')) then
        update facteur.attempts a set outcome = 'rejected' where a.platform_id = s.platform_id and a.invoice_id = s.invoice_id;
        return move || jsonb_build_object('state', 'failed', 'error_message', concat_ws(' ', move ->> 'error_message',
            'Another attempt''s outcome is unknown: set technical_status to ''pending'', and it is looked up before anything is sent.'));
    end if;
    return move;
end $$;

-- A row shows an error although its deposit stands (p_objection: code, text), or (null) no more. What a person has settled stays
-- settled: the code is there, the text is not. Two invoices that were shown as each other's are a person's for good. True: newly.
create function facteur.object_to(s facteur.submissions, p_objection jsonb) returns boolean
    language plpgsql as $$
declare
    words constant text := p_objection ->> 'text';
begin
    if s.objection_code = 'shown_as_another' or s.objection_code = p_objection ->> 'code' and (s.objection is null or s.objection = words)
       or p_objection is null and (s.objection_code is null or s.objection is null or s.unread_since is not null) then
        return false;
    end if;
    update facteur.submissions w set objection_code = p_objection ->> 'code', objection = words,
        mismatch = case when w.mismatch is null or w.mismatch = w.objection then words else w.mismatch end,
        write_back_due_at = coalesce(w.write_back_due_at, facteur.now())
    where w.id = s.id;
    return words is not null and s.objection is null;
end $$;

-- The life cycle goes where the statuses say. What only a sweep has seen so far is believed over statuses that lag behind, unless
-- they end it; where they contradict each other it stays where it was, and goes back (p_news: current) if a sweep has moved it.
create function facteur.set_life_cycle(s facteur.submissions, p_news jsonb) returns void
    language plpgsql as $$
declare
    code constant text := p_news -> 'current' ->> 'code';
    swept constant boolean := coalesce(s.swept_id = s.platform_id and s.lifecycle_code = s.swept_code, false);
begin
    if p_news ? 'contradiction' and s.lifecycle_code is not null and not (swept and s.swept_code = any (array(select jsonb_array_elements_text(p_news -> 'contradiction'))))
       or code is null and not p_news ? 'contradiction'
       or swept and facteur.unread(s) and not p_news ? 'contradiction' and code not in ('210', '213', '220', '501') then
        return;
    end if;
    update facteur.submissions w set lifecycle_code = code, lifecycle_at = (p_news -> 'current' ->> 'at')::timestamptz where w.id = s.id;
end $$;

-- Store news: a whole history, or what is new of one, and what they come to together with all that was known (p_news: move,
-- otherwise, current, contradiction, objection). The ruling counts only if it knew every status that is stored by now
-- (decided_on): else nothing moves, and `known` says what there is, for another one.
create function facteur.record_news(p_news jsonb)
    returns table (state text, stored integer, invoice_id text, seconds_after double precision, known jsonb, objected boolean, moved boolean)
    language plpgsql as $$
declare
    s facteur.submissions;
    move jsonb;
    was_due timestamptz;
    asked_by constant text := p_news ->> 'asked_by';
begin
    select w.* into s from facteur.submissions w where w.id = (p_news ->> 'submission_id')::bigint for update;
    perform facteur.read_answered(s.account) where asked_by <> 'nobody';
    select n.stored, n.seconds_after into stored, seconds_after
    from facteur.store_statuses(s.id, p_news ->> 'platform_id', p_news -> 'events') n;
    invoice_id := s.invoice_id;
    state := s.state;
    was_due := s.due_at;
    moved := false;
    perform facteur.note_untold(s.account) where asked_by = 'unseen' and stored > 0;
    objected := facteur.check_number(s, p_news ->> 'platform_id', p_news ->> 'invoice_number');
    if not facteur.may_move(s, p_news) then
        return next; -- somebody else moved it meanwhile: the events are kept, the verdict is theirs
        return;
    end if;
    known := facteur.statuses_of(s.id, s.platform_id);
    if jsonb_array_length(known) <> (p_news ->> 'decided_on')::integer then
        return next;
        return;
    end if;
    known := null;
    select w.* into s from facteur.submissions w where w.id = s.id; -- as the number has left it
    if s.objection_code = 'shown_as_another' and s.objection is not null and p_news -> 'move' ->> 'state' not in ('submitted', 'closed') then
        -- whose verdict that is, a person says: the row would be corrected and sent again while its own deposit stands
        move := jsonb_build_object('state', s.state, 'due_in_seconds', 3600);
    else
        perform facteur.set_life_cycle(s, p_news);
        move := facteur.move_of(s, p_news); -- also writes what the verdict means for its attempts
    end if;
    state := move ->> 'state';
    moved := state <> s.state;
    perform facteur.move_submission(s.id, move);
    update facteur.submissions w set unread_since = null where w.id = s.id and w.unread_since is not null and not facteur.unread(w);
    select w.* into s from facteur.submissions w where w.id = s.id;
    if state in ('submitted', 'closed') then
        objected := facteur.object_to(s, p_news -> 'objection') or objected;
    end if;
    if asked_by in ('sweep', 'pull') then
        perform facteur.settle_history(s, p_news, was_due);
    end if;
    perform facteur.tell_company(s.id)
    from facteur.submissions w
    where w.id = s.id and (stored > 0 or facteur.shown_status(w.state, w.mismatch) <> w.told_status
        or exists (select from facteur.status_events e where e.submission_id = w.id and e.told_at is null and e.platform_id = w.platform_id));
    return next;
end $$;

-- The number that a deposit was sent with.
create function facteur.sent_number(s facteur.submissions) returns text
    language sql stable as $$
    select coalesce((select a.invoice_number from facteur.attempts a where a.platform_id = s.platform_id and a.invoice_id = s.invoice_id order by a.id limit 1),
                    s.invoice_number)
$$;

-- Letters and digits of ASCII, without leading zeros (p_zeros: with them): what any machine leaves of a number.
create function facteur.bare_number(p_number text, p_zeros boolean) returns text
    language sql immutable parallel safe as $$
    select lower(regexp_replace(case when p_zeros then p_number else regexp_replace(p_number, '(^|[^0-9])0+(?=[0-9])', '\1', 'g') end,
                                '[^a-zA-Z0-9]', '', 'g'))
$$;

-- Whether a number is what is left of another one that was cut: sixteen letters and digits of its beginning, or more.
create function facteur.is_cut_from(p_number text, p_whole text) returns boolean
    language sql immutable parallel safe as $$
    select length(number) >= 16 and starts_with(whole, number)
    from (select facteur.bare_number(p_number, true) as number, facteur.bare_number(p_whole, true) as whole) bare
$$;

-- Whether a number is another invoice's than the one that was sent: not where it is only spelled otherwise, and nobody else sent it.
create function facteur.is_anothers(s facteur.submissions, p_number text) returns boolean
    language sql stable as $$
    select facteur.plain(sent.number) <> facteur.plain(p_number)
       and (facteur.bare_number(sent.number, true) <> facteur.bare_number(p_number, true)
            and facteur.bare_number(sent.number, false) <> facteur.bare_number(p_number, false)
            and not facteur.is_cut_from(p_number, sent.number)
            or exists (select from facteur.attempts a where facteur.plain(a.invoice_number) = facteur.plain(p_number) and a.invoice_id <> s.invoice_id))
    from (select facteur.sent_number(s) as number) sent
$$;

-- The first time that the platform shows an invoice number with a deposit it must be the one that was sent. True: it is another.
create function facteur.check_number(s facteur.submissions, p_platform_id text, p_number text) returns boolean
    language plpgsql as $$
begin
    if p_number is null or s.platform_id is distinct from p_platform_id or s.number_seen is not null or s.state not in ('submitted', 'closed') then
        return false;
    end if;
    update facteur.submissions w set number_seen = p_number where w.id = s.id;
    if facteur.is_anothers(s, p_number) then
        perform facteur.stop_mistaken(array[s.id]);
        return true;
    end if;
    return false;
end $$;

-- What a look-up shows under another invoice's number tells as much of the deposits that we hold as their own news would.
create function facteur.check_shown(p_account text, p_shown jsonb) returns void
    language plpgsql as $$
begin
    perform facteur.check_number(s, s.platform_id, e ->> 'number')
    from jsonb_array_elements(p_shown) e join facteur.submissions s
      on s.platform_id = e ->> 'platform_id' and s.account = any (facteur.names_of_client(p_account));
end $$;

-- The platform shows these deposits (number_seen) under another number than was sent. Each stops, and so does the invoice whose
-- number it is: either may have the other's id. Neither is sent again, and a person compares them.
create function facteur.stop_mistaken(p_ids bigint[]) returns void
    language plpgsql as $$
declare
    it record;
begin
    for it in
        select s.id, format('The platform shows deposit %s as invoice %s, and invoice %s was sent. Compare both at the platform, then facteur adopt.',
                            s.platform_id, s.number_seen, facteur.sent_number(s)) as words
        from facteur.submissions s where s.id = any (p_ids)
        union all
        select o.id, format('The platform shows the deposit of another invoice, %s, under this number. Compare both at the platform, then facteur adopt.',
                            s.platform_id)
        from facteur.submissions s join facteur.submissions o
          on o.id <> s.id and o.invoice_id <> s.invoice_id and o.account = any (facteur.names_of_client(s.account))
         and facteur.plain(o.invoice_number) = facteur.plain(s.number_seen)
        where s.id = any (p_ids) and o.state in ('submitted', 'closed', 'pending', 'in_doubt')
    loop
        perform facteur.stop_one(it.id, it.words);
    end loop;
end $$;

create function facteur.stop_one(p_id bigint, p_words text) returns void
    language plpgsql as $$
declare
    s facteur.submissions;
begin
    select w.* into s from facteur.submissions w where w.id = p_id for update;
    if s.state in ('submitted', 'closed') then
        perform facteur.object_to(s, jsonb_build_object('code', 'shown_as_another', 'text', p_words));
    elsif s.state in ('pending', 'in_doubt') then
        perform facteur.move_submission(s.id, jsonb_build_object('state', 'failed', 'error_code', 'shown_as_another', 'error_message', p_words));
        perform facteur.tell_company(s.id);
    end if;
end $$;
