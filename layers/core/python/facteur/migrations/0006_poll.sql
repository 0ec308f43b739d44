-- Poll: ask for news, store them, and let them move the submission.

-- Submissions due for news, put off by p_lease_seconds so that an overlapping run takes others.
create function facteur.claim_news(p_limit integer, p_lease_seconds double precision)
    returns table (id bigint, account text, platform_id text, lifecycle_code text, age_seconds double precision)
    language sql as $$
    with due as (
        select s.id from facteur.submissions s where s.state = 'submitted' and s.due_at <= facteur.now()
          and s.account <> all (array(select substr(b.key, 9) from facteur.budgets b where b.key like 'account:%' and facteur.paused(b)))
        order by s.due_at limit p_limit for update skip locked
    )
    update facteur.submissions s set due_at = facteur.now() + make_interval(secs => p_lease_seconds)
    from due where s.id = due.id
    returning s.id, s.account, s.platform_id, s.lifecycle_code, extract(epoch from facteur.now() - s.submitted_at)::double precision
$$;

-- Store news: a whole history, or (pulled) what is new of one. Entries are known by the platform's status id, each deposit's by itself. The life cycle
-- advances by the platform's clock, never back; the move is made only if it has advanced, or nothing contradicts it. What a sweep
-- saw first is believed over a history that lags behind, and the history over the sweep in everything else: the instant of that
-- status, and verdicts that contradict each other (then the life cycle goes back to p_news.settled).
create function facteur.record_news(p_news jsonb) returns table (state text, stored integer, invoice_id text, seconds_after double precision)
    language plpgsql as $$
declare
    s facteur.submissions;
    move jsonb := p_news -> 'move';
    asked_by constant text := p_news ->> 'asked_by';
    newest record;
    swept boolean; -- nobody but a sweep has told the life cycle as it stands
    lags boolean := false;
begin
    select w.* into s from facteur.submissions w where w.id = (p_news ->> 'submission_id')::bigint for update;
    perform facteur.read_answered(s.account);
    with inserted as (
        insert into facteur.status_events (status_id, submission_id, platform_id, code, platform_code, network_code, label, occurred_at,
                                           caused_by, audience, reason, message, raw)
        select e.status_id, s.id, p_news ->> 'platform_id', e.code, e.platform_code, e.network_code, e.label, e.occurred_at,
               e.caused_by, e.audience, e.reason, e.message, e.raw
        from jsonb_to_recordset(p_news -> 'events') as e(status_id text, code text, platform_code text, network_code text, label text,
             occurred_at timestamptz, caused_by text, audience text, reason text, message text, raw jsonb)
        order by e.occurred_at
        on conflict (submission_id, platform_id, status_id) do nothing
        returning occurred_at
    )
    select count(*), greatest(0, extract(epoch from facteur.now() - max(occurred_at))) into stored, seconds_after from inserted;
    invoice_id := s.invoice_id;
    select w.* into s from facteur.submissions w where w.id = s.id;
    state := s.state;
    if s.state <> 'submitted' or s.platform_id <> p_news ->> 'platform_id' then
        return next; -- somebody else moved it meanwhile: the events are kept, the verdict is theirs
        return;
    end if;
    select m.code, m.at into newest from jsonb_to_record(p_news -> 'newest') as m(code text, at timestamptz);
    swept := s.swept_id = s.platform_id and s.lifecycle_code = s.swept_code and s.lifecycle_at is not distinct from s.swept_at;
    if asked_by = 'sweep' and swept and p_news ? 'settled' then
        update facteur.submissions w set lifecycle_code = p_news -> 'settled' ->> 'code', lifecycle_at = (p_news -> 'settled' ->> 'at')::timestamptz
        where w.id = s.id;
    elsif newest.at < s.lifecycle_at and not (coalesce(swept, false) and newest.code = s.lifecycle_code)
          or newest.code is null and asked_by = 'sweep' and swept then
        move := jsonb_build_object('state', 'submitted', 'due_in_seconds', 60); -- an older read than what is known: look again
        lags := true;
    elsif newest.code is not null then
        update facteur.submissions w set lifecycle_code = newest.code, lifecycle_at = newest.at where w.id = s.id;
    end if;
    state := move ->> 'state';
    if state = 'in_doubt' then -- this deposit is the duplicate; an earlier one may be the invoice
        update facteur.attempts a set outcome = 'duplicate' where a.platform_id = s.platform_id and a.invoice_id = s.invoice_id;
    end if;
    if state = 'rejected' and exists (
        select from facteur.attempts a where a.submission_id = s.id and (a.outcome is null or a.outcome = 'unknown')) then
        update facteur.attempts a set outcome = 'rejected' where a.platform_id = s.platform_id and a.invoice_id = s.invoice_id;
        state := 'failed';
        move := move || jsonb_build_object('state', state, 'error_message', concat_ws(' ', move ->> 'error_message',
            'Another attempt''s outcome is unknown: set technical_status to ''pending'', and it is looked up before anything is sent.'));
    end if;
    perform facteur.move_submission(s.id, move);
    if asked_by = 'sweep' then
        perform facteur.settle_history(s.id, p_news, s.due_at, lags);
    elsif asked_by = 'pull' and state = 'submitted' then
        update facteur.submissions w set due_at = s.due_at where w.id = s.id;
    end if;
    if stored > 0 or facteur.shown_status(state, s.mismatch) <> s.told_status then
        perform facteur.tell_company(s.id);
    end if;
    return next;
end $$;
