-- What the platform shows of a deposit: stored when it was never stored, moved by what it says and not by its date. Locks: the
-- submission, the company's row last.

-- Codes of the reform that end a life cycle, and among them those with which a platform refused the invoice: as facteur/domain/lifecycle.py
-- has them, and a test holds both equal.
create or replace function facteur.rejects(p_code text) returns boolean
    language sql immutable parallel safe as $$
    select p_code in ('213', '501')
$$;

create or replace function facteur.ends(p_code text) returns boolean
    language sql immutable parallel safe as $$
    select p_code in ('210', '213', '220', '501')
$$;

-- Whether an objection asks which deposit is the invoice's: what is said of one of them meanwhile waits until a person has answered.
create or replace function facteur.is_a_persons(p_code text) returns boolean
    language sql immutable parallel safe as $$
    select p_code in ('shown_as_another', 'predecessor_taken', 'two_deposits')
$$;

-- The statuses of a deposit in the order in which we heard of them.
create or replace function facteur.statuses_of(p_submission_id bigint, p_platform_id text) returns jsonb
    language sql stable as $$
    select coalesce(jsonb_agg(to_jsonb(e) - 'raw' order by e.id), '[]') from facteur.status_events e
    where e.submission_id = p_submission_id and e.platform_id = p_platform_id
$$;

-- Submissions whose status is due, put off by p_lease_seconds so that an overlapping run takes others.
create or replace function facteur.claim_status_updates(p_limit integer, p_lease_seconds double precision, p_accounts text[] default null)
    returns table (id bigint, account text, platform_id text, lifecycle_code text, age_seconds double precision,
                   heard_at timestamptz, made_at timestamptz, known jsonb, late_seconds double precision)
    language sql as $$
    with due as (
        select s.id, s.due_at from facteur.submissions s where s.state = 'submitted' and s.due_at <= facteur.now()
          and (p_accounts is null or s.account = any (p_accounts))
          and s.account <> all (array(select substr(b.key, 9) from facteur.budgets b where b.key like 'account:%' and facteur.paused(b)))
        order by s.due_at limit p_limit for update skip locked
    )
    update facteur.submissions s set due_at = facteur.now() + make_interval(secs => p_lease_seconds)
    from due where s.id = due.id
    returning s.id, s.account, s.platform_id, s.lifecycle_code, extract(epoch from facteur.now() - s.submitted_at)::double precision,
              facteur.now(), least(s.submitted_at, s.deposited_at), facteur.statuses_of(s.id, s.platform_id),
              extract(epoch from facteur.now() - due.due_at)::double precision
$$;

-- Whether a sweep has seen something of a deposit that no status says yet: a status of that code and date (of the code alone where
-- it ends the life cycle, where a date cannot be true, or where ten minutes of asking brought no better one), or a state that
-- refuses without a status that does.
create or replace function facteur.unread(s facteur.submissions) returns boolean
    language sql stable as $$
    select s.swept_id is not distinct from s.platform_id and (
        s.swept_code is not null and s.swept_code not like 'state:%' and not exists (
            select from facteur.status_events e
            where e.submission_id = s.id and e.platform_id = s.platform_id and e.code = s.swept_code
              and (s.swept_at is null or not e.date_believed or facteur.ends(s.swept_code)
                   or e.occurred_at between s.swept_at - interval '1 second' and s.swept_at + interval '1 second'
                   or s.history_since < facteur.now() - interval '10 minutes'))
        or s.swept_state is not null and not exists (
            select from facteur.status_events e
            where e.submission_id = s.id and e.platform_id = s.platform_id and facteur.ends(e.code)))
$$;

-- Store what is new of statuses (a repeated read adds nothing); how many, and how long after the newest of them.
create or replace function facteur.store_statuses(p_submission_id bigint, p_platform_id text, p_events jsonb,
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

-- Whether statuses of a deposit still decide. Of one that ended, only a refusal that came later (closed; as a duplicate it is a question), what
-- contradicts the refusal, or the reason of one that was known without it (rejected by the platform; nothing newer may have taken over).
create or replace function facteur.may_move(s facteur.submissions, p_update jsonb) returns boolean
    language sql stable as $$
    select s.platform_id = p_update ->> 'platform_id' and case s.state
        when 'submitted' then true
        when 'closed' then p_update -> 'move' ->> 'state' in ('rejected', 'in_doubt') or p_update ? 'objection'
        when 'rejected' then (coalesce(p_update -> 'objection' ->> 'code' = 'contradictory_statuses', false)
                              or s.unread_since is not null and p_update -> 'move' ->> 'state' not in ('submitted', 'closed'))
             and facteur.refused(s) and not exists (select from facteur.submissions n where n.invoice_id = s.invoice_id and n.id > s.id)
        else false end
$$;

-- What follows from a refusal: a question about a duplicate only where another attempt may have made the other deposit, else the
-- deposit keeps what it has reached (p_update: otherwise); a refusal is final only where no other attempt's outcome is unknown.
create or replace function facteur.move_of(s facteur.submissions, p_update jsonb) returns jsonb
    language plpgsql as $$
declare
    move constant jsonb := p_update -> 'move';
    open_elsewhere constant boolean := exists (
        select from facteur.attempts a
        where a.invoice_id = s.invoice_id and a.platform_id is distinct from s.platform_id and coalesce(a.outcome, 'unknown') in ('unknown', 'not_found'));
begin
    if move ->> 'state' = 'in_doubt' and p_update ? 'otherwise' and not open_elsewhere then
        return p_update -> 'otherwise';
    elsif move ->> 'state' = 'in_doubt' then -- this deposit is the duplicate; an earlier one may be the invoice
        update facteur.attempts a set outcome = 'duplicate' where a.platform_id = s.platform_id and a.invoice_id = s.invoice_id;
    elsif move ->> 'state' = 'rejected' and exists (
        select from facteur.attempts a where a.invoice_id = s.invoice_id and (a.outcome is null or a.outcome = 'unknown')) then
        update facteur.attempts a set outcome = 'rejected' where a.platform_id = s.platform_id and a.invoice_id = s.invoice_id;
        return move || jsonb_build_object('state', 'failed', 'error_message', concat_ws(' ', move ->> 'error_message',
            'Another attempt''s outcome is unknown: set technical_status to ''pending'', and it is looked up before anything is sent.'));
    end if;
    return move;
end $$;

-- A row shows an error although its deposit stands (p_objection: code, text), or (null) no more. A state that a person has settled stays
-- settled: the code is there, the text is not (of statuses, those are settled that were known by then). A refusal that no status says stays
-- when nobody follows the deposit any more. What a person is asked stays until he has answered: another question is put beside it, and what
-- is none waits. True: newly.
create or replace function facteur.object_to(s facteur.submissions, p_objection jsonb) returns boolean
    language plpgsql as $$
declare
    asked constant boolean := s.objection is not null and facteur.is_a_persons(s.objection_code);
    code constant text := case when asked then facteur.code_of_both(s.objection_code, p_objection ->> 'code') else p_objection ->> 'code' end;
    words constant text := case when asked then facteur.asked_beside(s.objection, p_objection ->> 'text') else p_objection ->> 'text' end;
begin
    if asked and (words is null or facteur.is_a_persons(p_objection ->> 'code') is not true)
       or not asked and s.objection_code = code and (s.objection is null or s.objection in (words, facteur.forgotten()))
       or p_objection is null and (s.objection_code is null or s.objection is null or s.unread_since is not null or s.state = 'closed' and facteur.unread(s)) then
        return false;
    end if;
    update facteur.submissions w set objection_code = code, objection = words,
        mismatch = case when w.mismatch is null or w.mismatch = w.objection then words else w.mismatch end,
        write_back_due_at = coalesce(w.write_back_due_at, facteur.now())
    where w.id = s.id;
    return words is not null and (asked or s.objection is null);
end $$;

-- What a person is asked beside what he is asked already (p_standing; null: nothing); null: he is asked that already.
create or replace function facteur.asked_beside(p_standing text, p_words text) returns text
    language sql immutable parallel safe as $$
    select case when strpos(coalesce(p_standing, ''), p_words) = 0 then concat_ws(' ', p_standing, p_words) end
$$;

-- The code of two questions that stand together: the one whose answer may take the deposit to another invoice, at last the one that the
-- platform may answer itself.
create or replace function facteur.code_of_both(p_standing text, p_code text) returns text
    language sql immutable parallel safe as $$
    select code from unnest(array['shown_as_another', 'predecessor_taken', 'two_deposits']) with ordinality known(code, place)
    where code in (p_standing, p_code) order by place limit 1
$$;

-- Ask a person about an invoice's deposits (p_question: code, text), on what was opened of it last (n), whatever ended that one. A deposit
-- that stands shows an error. Anything else fails, and is not sent, nor looked up again. What is being sent just now cannot be called back:
-- it keeps the question, and its outcome is a person's (settle, end_expired_leases).
create or replace function facteur.ask(n facteur.submissions, p_question jsonb) returns void
    language plpgsql as $$
declare
    words constant text := facteur.asked_beside(n.objection, p_question ->> 'text');
    code constant text := facteur.code_of_both(case when n.objection is not null then n.objection_code end, p_question ->> 'code');
begin
    if n.state in ('submitted', 'closed') then
        perform facteur.try_write_back(n.id) where facteur.object_to(n, p_question);
    elsif n.id is not null and words is not null then
        update facteur.submissions w set objection_code = code, objection = words where w.id = n.id;
        if n.state <> 'sending' then
            perform facteur.move_submission(n.id, jsonb_build_object('state', 'failed', 'error_code', code, 'error_message', coalesce(
                replace(n.last_error_message, n.objection, words),
                concat_ws(' This one: ', words, case when n.state in ('rejected', 'failed') then n.last_error_message end))));
            perform facteur.try_write_back(n.id);
        end if;
    end if;
end $$;

-- The life cycle goes where the statuses say. What only a sweep has seen so far is believed over statuses that lag behind, unless
-- they end it; where they contradict each other it stays where it was, and goes back (p_update: current) if a sweep has moved it.
create or replace function facteur.set_life_cycle(s facteur.submissions, p_update jsonb) returns void
    language plpgsql as $$
declare
    code constant text := p_update -> 'current' ->> 'code';
    swept constant boolean := coalesce(s.swept_id = s.platform_id and s.lifecycle_code = s.swept_code, false);
begin
    if p_update ? 'contradiction' and s.lifecycle_code is not null and not (swept and s.swept_code = any (array(select jsonb_array_elements_text(p_update -> 'contradiction'))))
       or code is null and not p_update ? 'contradiction'
       or swept and facteur.unread(s) and not p_update ? 'contradiction' and not facteur.ends(code) then
        return;
    end if;
    update facteur.submissions w set lifecycle_code = code, lifecycle_at = (p_update -> 'current' ->> 'at')::timestamptz where w.id = s.id;
end $$;

-- The platform's buyer takes a deposit that was refused, and whose invoice has been corrected and opened anew since: both may be paid.
-- Said once, and again where there is something new (record_status_update): what a person has settled does not come up by itself.
create or replace function facteur.object_to_successor(s facteur.submissions, p_objection jsonb) returns void
    language sql as $$
    select facteur.stop_successor(s, format('Its predecessor, deposit %s, was rejected, and is taken by the buyer after all: %s', s.platform_id, p_objection ->> 'text'));
    update facteur.submissions w set contradicted_at = facteur.now() where w.id = s.id
$$;

-- What was opened last after a submission whose refusal does not hold any more: what went before may be valid, also where this one was
-- refused, stopped, or rejected by a person. He says which one holds.
create or replace function facteur.stop_successor(s facteur.submissions, p_words text) returns void
    language plpgsql as $$
declare
    n facteur.submissions;
begin
    select w.* into n from facteur.submissions w where w.invoice_id = s.invoice_id and w.id > s.id order by w.id desc limit 1 for update;
    perform facteur.ask(n, jsonb_build_object('code', 'predecessor_taken', 'text', p_words));
end $$;

-- What a person reads of a submission that was being sent when it was stopped (p_objection). p_state: where that call would have led.
create or replace function facteur.stopped_in_words(p_objection text, p_state text) returns text
    language sql immutable parallel safe as $$
    select concat_ws(' ', p_objection, 'This one was being sent just then,', case p_state
        when 'in_doubt' then 'and its outcome is unknown: facteur retry looks it up before it sends anything.'
        when 'rejected' then 'and the platform refused it: facteur retry only if the other one does not hold.'
        else 'and was not deposited: facteur retry only if the other one does not hold.' end)
$$;

-- Store statuses: a whole history, or what is new of one, and what they come to together with all that was known (p_update: move,
-- otherwise, current, contradiction, objection; over: it is not followed any longer). The ruling counts only if it knew every status that
-- is stored by now (decided_on): else nothing moves, and `known` says what there is, for another one.
create or replace function facteur.record_status_update(p_update jsonb)
    returns table (state text, stored integer, invoice_id text, seconds_after double precision, known jsonb, objected boolean, moved boolean)
    language plpgsql as $$
declare
    s facteur.submissions;
    move jsonb;
    was_due timestamptz;
    asked_by constant text := p_update ->> 'asked_by';
begin
    select w.* into s from facteur.submissions w where w.id = (p_update ->> 'submission_id')::bigint for update;
    perform facteur.read_answered(s.account) where asked_by <> 'nobody';
    select n.stored, n.seconds_after into stored, seconds_after
    from facteur.store_statuses(s.id, p_update ->> 'platform_id', p_update -> 'events') n;
    invoice_id := s.invoice_id;
    state := s.state;
    was_due := s.due_at;
    moved := false;
    perform facteur.note_not_pulled(s.account) where asked_by = 'unseen' and stored > 0;
    objected := facteur.check_number(s, p_update ->> 'platform_id', p_update ->> 'invoice_number');
    known := facteur.statuses_of(s.id, p_update ->> 'platform_id');
    if jsonb_array_length(known) <> (p_update ->> 'decided_on')::integer then
        return next;
        return;
    end if;
    known := null;
    if facteur.may_move(s, p_update) is not true then
        perform facteur.object_to_successor(s, p_update -> 'objection')
        where (stored > 0 or s.contradicted_at is null) and facteur.refused(s) and s.platform_id = p_update ->> 'platform_id'
          and p_update -> 'objection' ->> 'code' = 'contradictory_statuses';
        perform facteur.settle_read(s.id, p_update, was_due);
        return next; -- somebody else moved it meanwhile: the events are kept, the verdict is theirs
        return;
    end if;
    select w.* into s from facteur.submissions w where w.id = s.id; -- as the number has left it
    if facteur.is_a_persons(s.objection_code) and s.objection is not null and p_update -> 'move' ->> 'state' not in ('submitted', 'closed')
       and not (s.objection_code = 'two_deposits' and p_update -> 'move' ->> 'state' = 'in_doubt' and not p_update ? 'otherwise') then
        -- whose verdict that is, or which deposit holds, a person says: the row would be corrected and sent again beside one that stands.
        -- Of two deposits the platform says so itself where it calls one of them a duplicate.
        move := jsonb_build_object('state', case when (p_update ->> 'over')::boolean then 'closed' else s.state end, 'due_in_seconds', 3600);
    else
        perform facteur.set_life_cycle(s, p_update);
        move := facteur.move_of(s, p_update); -- also writes what the verdict means for its attempts
    end if;
    state := move ->> 'state';
    moved := state <> s.state;
    perform facteur.move_submission(s.id, move);
    perform facteur.settle_read(s.id, p_update, was_due);
    select w.* into s from facteur.submissions w where w.id = s.id;
    if state in ('submitted', 'closed') then
        objected := facteur.object_to(s, p_update -> 'objection') or objected;
    end if;
    perform facteur.try_write_back(s.id)
    from facteur.submissions w
    where w.id = s.id and (stored > 0 or facteur.shown_status(w.state, w.mismatch) <> w.written_status
        or exists (select from facteur.status_events e where e.submission_id = w.id and e.written_at is null and e.platform_id = w.platform_id));
    return next;
end $$;

-- Submissions whose history is wanted, the urgent ones first, put off by p_lease_seconds. Of a rejected one: its reason; it was refused by
-- what the search showed when so many of its statuses were known (refused_after).
create or replace function facteur.claim_histories(p_limit integer, p_lease_seconds double precision)
    returns table (id bigint, account text, platform_id text, lifecycle_code text, age_seconds double precision,
                   heard_at timestamptz, made_at timestamptz, known jsonb, swept_code text, swept_at timestamptz, swept_state text,
                   refused_after integer)
    language sql as $$
    with due as (
        select s.id from facteur.submissions s where s.state in ('submitted', 'rejected') and s.history_due_at <= facteur.now()
          and (s.state = 'submitted' or s.unread_since is not null)
          and s.account <> all (array(select substr(b.key, 9) from facteur.budgets b where b.key like 'account:%' and facteur.paused(b)))
        order by s.history_rank, s.history_due_at limit p_limit for update skip locked
    )
    update facteur.submissions s set history_due_at = facteur.now() + make_interval(secs => p_lease_seconds)
    from due where s.id = due.id
    returning s.id, s.account, s.platform_id, s.lifecycle_code, extract(epoch from facteur.now() - s.submitted_at)::double precision,
              facteur.now(), least(s.submitted_at, s.deposited_at), facteur.statuses_of(s.id, s.platform_id),
              case when s.swept_id = s.platform_id then s.swept_code end, case when s.swept_id = s.platform_id then s.swept_at end,
              case when s.swept_id = s.platform_id then s.swept_state end,
              case when s.state = 'rejected' then (
                  select count(*)::integer from facteur.status_events e
                  where e.submission_id = s.id and e.platform_id = s.platform_id and e.recorded_at <= s.finalized_at) end
$$;

-- Verdicts that the search has shown for an hour and that no status says: they are acted upon without their reason.
create or replace function facteur.unread_verdicts(p_limit integer)
    returns table (id bigint, account text, platform_id text, lifecycle_code text, age_seconds double precision,
                   heard_at timestamptz, made_at timestamptz, known jsonb, swept_code text, swept_at timestamptz, swept_state text)
    language sql stable as $$
    select s.id, s.account, s.platform_id, s.lifecycle_code, extract(epoch from facteur.now() - s.submitted_at)::double precision,
           facteur.now(), least(s.submitted_at, s.deposited_at), facteur.statuses_of(s.id, s.platform_id), s.swept_code, s.swept_at, s.swept_state
    from facteur.submissions s
    where s.unread_since <= facteur.now() - interval '1 hour' and s.state = 'submitted' and s.swept_id = s.platform_id
      and s.objection is null and (facteur.rejects(s.swept_code) or s.swept_state is not null and s.objection_code is distinct from 'refused_state')
    order by s.unread_since limit p_limit
$$;

-- A history was read because a sweep asked for it (p_update: swept_code, swept_at, swept_state as they were then), or statuses were pulled.
-- Whether it moved the row or not, it is wanted no more, unless it does not say yet what the sweep saw, or another sweep has seen
-- something else meanwhile: then again, later and later, until follow-up ends. When the search or the pull looks at the deposit again does not change.
create or replace function facteur.settle_read(p_id bigint, p_update jsonb, p_due_at timestamptz) returns void
    language sql as $$
    update facteur.submissions w set unread_since = null where w.id = p_id and w.unread_since is not null
        and (not facteur.unread(w) or w.state = 'rejected' and p_update -> 'move' ->> 'state' = 'closed');
    update facteur.submissions w set
        due_at = case when w.state = 'submitted' then coalesce(p_due_at, w.due_at) else w.due_at end,
        history_due_at = case
            when p_update ->> 'asked_by' <> 'sweep' then w.history_due_at
            when w.unread_since is not null then facteur.now() + least(interval '1 day', greatest(interval '1 minute', facteur.now() - w.history_since))
            when (w.swept_code, w.swept_at, w.swept_state) is distinct from
                 (p_update ->> 'swept_code', (p_update ->> 'swept_at')::timestamptz, p_update ->> 'swept_state')
                 and w.swept_id = w.platform_id then facteur.now() end
    where w.id = p_id and w.state in ('submitted', 'closed', 'rejected') and p_update ->> 'asked_by' in ('sweep', 'pull')
$$;

-- Follow-up is over; not of one whose refusal was withheld until a person had decided (rule_now), and is not ruled on yet.
create or replace function facteur.close_followed(p_submission_id bigint) returns void
    language sql as $$
    select facteur.move_submission(s.id, '{"state": "closed"}') from facteur.submissions s
    where s.id = p_submission_id and s.state = 'submitted'
      and not (s.history_due_at is not null and s.objection is null and exists (
          select from facteur.status_events e
          where e.submission_id = s.id and e.platform_id = s.platform_id and facteur.rejects(e.code) and not e.settled))
$$;
