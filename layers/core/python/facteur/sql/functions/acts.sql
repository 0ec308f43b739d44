-- What a person may do with one submission, each recorded with who and why in the same transaction. An act waits five seconds for the
-- row, refuses in a sentence what the state does not allow, and never closes a doubt by itself. Locks: the submission, then advisory
-- its deposit's id, then others that hold that id.

create or replace function facteur.refuse(p_sentence text) returns void
    language plpgsql as $$
begin
    raise '%', p_sentence using errcode = 'FR001';
end $$;

create or replace function facteur.log_operation(p_act jsonb, p_account text, p_submission_id bigint, p_invoice_id text, p_detail jsonb) returns void
    language sql as $$
    select set_config('facteur.who', p_act ->> 'who', true); -- of what is noted in transitions from now on
    insert into facteur.operations (who, why, operation, caller, request_id, account, submission_id, invoice_id, detail)
    values (p_act ->> 'who', p_act ->> 'why', p_act ->> 'operation', p_act ->> 'caller', p_act ->> 'request_id',
            p_account, p_submission_id, p_invoice_id, p_detail)
$$;

-- The row, locked, and certainly nobody's work: a lease that runs, or ran out and is not ended yet, is left alone.
create or replace function facteur.lock_to_operate(p_submission_id bigint) returns facteur.submissions
    language plpgsql as $$
declare
    s facteur.submissions;
begin
    perform set_config('synchronous_commit', 'on', true);
    perform set_config('lock_timeout', '5s', true);
    begin
        perform from facteur.submissions where invoice_id = (select w.invoice_id from facteur.submissions w where w.id = p_submission_id)
        order by id for update; -- an act may take a deposit from an older one
        select * into s from facteur.submissions where id = p_submission_id for update;
    exception when lock_not_available then
        perform facteur.refuse('Its row is being worked on: try again in a moment. Nothing was changed.');
    end;
    if s.id is null then
        perform facteur.refuse('It was withdrawn meanwhile, for its invoice is no longer ready.');
    elsif s.lease_token is not null and s.lease_until > facteur.now() then
        perform facteur.refuse(format('Invoice %s is being worked on: try again in %s seconds.', s.invoice_id,
                                      ceil(extract(epoch from s.lease_until - facteur.now()))));
    elsif s.state = 'sending' then
        perform facteur.refuse(format('Invoice %s was being sent, and its worker did not report: the relay puts it in doubt within a minute.', s.invoice_id));
    elsif exists (select from facteur.submissions o where o.invoice_id = s.invoice_id and o.id <> s.id and o.state not in ('rejected', 'failed'))
          or s.state in ('rejected', 'failed') and exists (select from facteur.submissions o where o.invoice_id = s.invoice_id and o.id > s.id) then
        perform facteur.refuse(format('Invoice %s has another submission by now: look at it with facteur show.', s.invoice_id));
    end if;
    return s;
end $$;

-- Write a row by the company's own function. Where it raises, that is said without the row's content.
create or replace function facteur.write_row(p_invoice_id text, p_status text) returns void
    language plpgsql as $$
begin
    perform facteur.write_back(p_invoice_id, p_status, null, null);
    perform facteur.settle_constraints();
exception
    when lock_not_available or deadlock_detected then
        perform facteur.refuse(format('Somebody holds the row of invoice %s: try again in a moment.', p_invoice_id));
    when others or assert_failure then
        perform facteur.refuse(format('facteur.write_back raises on invoice %s (SQLSTATE %s): correct what raises there, a trigger perhaps.',
                                      p_invoice_id, sqlstate));
end $$;

-- Once more, by the way that a back office takes: the row says pending, and the relay opens a new submission, in doubt from the
-- start where an attempt's outcome is unknown. What still waits is looked at now. Nothing is ever sent from here.
create or replace function facteur.retry(p_submission_id bigint, p_act jsonb) returns text
    language plpgsql as $$
declare
    s constant facteur.submissions := facteur.lock_to_operate(p_submission_id);
    lacking text;
begin
    if s.state in ('submitted', 'closed') then
        perform facteur.refuse(format('Invoice %s is deposited as %s: it is not sent again.', s.invoice_id, s.platform_id));
    end if;
    perform facteur.log_operation(p_act, s.account, s.id, s.invoice_id, jsonb_build_object('state', s.state));
    if s.state in ('pending', 'in_doubt') then
        update facteur.submissions set due_at = facteur.now(), queued_at = null, updated_at = facteur.now() where id = s.id;
        lacking := case when s.state = 'pending' then facteur.not_ready_because(s.invoice_id) end;
        return case when lacking is not null then format('It is looked at now and withdrawn, for its row is not ready: %s.', lacking)
                    when s.state = 'pending' then 'It is put onto the queue now.'
                    else 'It is looked up at the platform now; nothing is sent before that.' end;
    end if;
    if s.write_back_due_at is not null and not facteur.try_write_back(s.id, '5s') then
        perform facteur.refuse(format('The row of invoice %s cannot be written, and has not even its last verdict: see facteur show.', s.invoice_id));
    end if;
    perform facteur.write_row(s.invoice_id, 'pending');
    lacking := facteur.not_ready_because(s.invoice_id);
    if lacking is not null then
        perform facteur.refuse(format('Invoice %s would not be sent: %s. Nothing was changed.', s.invoice_id, lacking));
    end if;
    perform facteur.note(array[s.invoice_id]);
    return case when exists (select from facteur.doubtful_attempts(s.invoice_id))
                then 'Its row is pending again. An earlier attempt''s outcome is unknown: it is looked up before anything is sent.'
                else 'Its row is pending again: the relay opens a new submission.' end;
end $$;

-- The deposit that an attempt was answered with is another invoice's: what became of its own nobody knows.
create or replace function facteur.disown_deposit(s facteur.submissions, p_who text) returns void
    language sql as $$
    update facteur.attempts set outcome = 'unknown', platform_id = null, message = format('answered with id %s, which is another invoice''s (%s)', s.platform_id, p_who)
    where invoice_id = s.invoice_id and platform_id = s.platform_id and outcome in ('accepted', 'rejected')
$$;

-- A person's decision that this is not to be sent, and that no deposit of it stands. Attempts of unknown outcome stay so, and one that was
-- answered with another's deposit becomes one: a later pending starts in doubt.
create or replace function facteur.reject(p_submission_id bigint, p_act jsonb) returns text
    language plpgsql as $$
declare
    s constant facteur.submissions := facteur.lock_to_operate(p_submission_id);
begin
    if s.state not in ('failed', 'in_doubt') and s.objection is null then
        perform facteur.refuse(format('Invoice %s (id %s) is %s: only what failed or is in doubt is rejected by a person%s.',
            coalesce(s.invoice_number, 'without a number'), s.invoice_id, s.state,
            case when s.state = 'pending' then '. Nothing was sent yet: take its row back, and it is withdrawn' else '' end));
    end if;
    perform facteur.log_operation(p_act, s.account, s.id, s.invoice_id, jsonb_strip_nulls(jsonb_build_object('state', s.state, 'platform_id', s.platform_id)));
    perform facteur.disown_deposit(s, p_act ->> 'who') where s.objection_code = 'shown_as_another';
    perform facteur.give_up_others(s, coalesce(s.platform_id, ''), p_act ->> 'who', 'rejected_by_person');
    perform facteur.move_submission(s.id, jsonb_build_object('state', 'rejected', 'error_code', 'rejected_by_person',
        'error_message', format('%s: %s', p_act ->> 'who', p_act ->> 'why')));
    update facteur.submissions w set platform_id = null where w.id = s.id and s.objection_code = 'shown_as_another';
    return concat_ws(' ', case when facteur.try_write_back(s.id, '2s') then 'Rejected, and its row says so.'
                               else 'Rejected. Its row could not be written yet; that is repeated by itself.' end,
                          case when exists (select from facteur.doubtful_attempts(s.invoice_id))
                               then 'An attempt''s outcome stays unknown: the platform may have it.' end);
end $$;

-- A person has said which deposit is the invoice's, or that none is (p_code: rejected_by_person, and the document is not sent again): its
-- others are second ones of it, and no look-up adopts them. He has them cancelled.
create or replace function facteur.give_up_others(s facteur.submissions, p_platform_id text, p_who text, p_code text default null) returns void
    language sql as $$
    update facteur.attempts a set outcome = 'duplicate', code = p_code, message = 'given up by ' || p_who
    where a.id in (select d.id from facteur.doubtful_attempts(s.invoice_id) d where d.outcome = 'accepted' and d.platform_id <> p_platform_id)
$$;

-- What was said of a deposit while a person was asked about it is ruled on now; also of one that ended meanwhile, if it was refused.
create or replace function facteur.rule_now(s facteur.submissions) returns void
    language sql as $$
    select facteur.move_submission(w.id, '{"state": "submitted", "due_in_seconds": 0}') from facteur.submissions w
    where w.id = s.id and facteur.is_a_persons(s.objection_code)
      and (w.state = 'submitted' or facteur.unread(w) or exists (
          select from facteur.status_events e
          where e.submission_id = w.id and e.platform_id = w.platform_id and facteur.rejects(e.code) and not e.settled));
    update facteur.submissions w set history_due_at = facteur.now()
    where w.id = s.id and w.state = 'submitted' and facteur.is_a_persons(s.objection_code)
$$;

-- A person says that a deposit is the invoice's in spite of what made its row show an error: that is not said again. What comes later
-- is judged anew: statuses that are known are settled, a state stays settled while it is shown.
create or replace function facteur.settle_objection(s facteur.submissions, p_who text) returns text
    language plpgsql as $$
begin
    update facteur.status_events e set settled = true
    where e.submission_id = s.id and e.platform_id = s.platform_id and facteur.rejects(e.code) and s.objection_code in ('contradictory_statuses', 'duplicate');
    update facteur.submissions w set objection = null, unread_since = case when facteur.is_a_persons(s.objection_code) then w.unread_since end,
        mismatch = case when w.mismatch is distinct from w.objection then w.mismatch end,
        objection_code = case when s.objection_code not in ('contradictory_statuses', 'duplicate', 'predecessor_taken', 'two_deposits') then w.objection_code end
    where w.id = s.id;
    perform facteur.give_up_others(s, s.platform_id, p_who);
    perform facteur.rule_now(s);
    return case when facteur.try_write_back(s.id, '2s') then 'The deposit stands, and its row says so.'
                else 'The deposit stands. Its row could not be written yet; that is repeated by itself.' end;
end $$;

-- Another invoice's deposit that the platform shows as someone else's, or a wrong one of its own: the invoice lets it go, and its
-- own deposit is looked up as after any unknown outcome.
create or replace function facteur.let_go(s facteur.submissions, p_who text) returns void
    language plpgsql as $$
begin
    perform facteur.disown_deposit(s, p_who);
    perform facteur.move_submission(s.id, jsonb_build_object('state', 'in_doubt', 'due_in_seconds', 0, 'error_code', 'shown_as_another', 'duplicate_verdict', false,
        'error_message', format('Deposit %s was another invoice''s. This one''s own is looked up before anything is sent again.', s.platform_id)));
    perform facteur.try_write_back(s.id, '2s');
end $$;

-- The invoices that hold a deposit which the platform shows under another's number.
create or replace function facteur.mixed_up(p_platform_id text) returns setof facteur.submissions
    language sql stable as $$
    select s.* from facteur.submissions s
    where s.platform_id = p_platform_id and s.objection_code = 'shown_as_another' and s.state in ('submitted', 'closed')
      and facteur.is_anothers(s, s.number_seen)
$$;

-- Whether a person may say that a deposit of an invoice's own holds: the platform has answered with it; or has refused it, as a duplicate,
-- perhaps by mistake, or before its buyer took it.
create or replace function facteur.may_hold(p_invoice_id text, p_platform_id text) returns boolean
    language sql stable as $$
    select exists (select from facteur.attempts a where a.invoice_id = p_invoice_id and a.platform_id = p_platform_id and a.outcome = 'duplicate')
        or exists (select from facteur.doubtful_attempts(p_invoice_id) a where a.outcome = 'accepted' and a.platform_id = p_platform_id)
        or exists (select from facteur.submissions r
                   where r.invoice_id = p_invoice_id and r.platform_id = p_platform_id and r.contradicted_at is not null)
$$;

-- Whether a person may put one deposit of an invoice's own in another one's place: its row asks him which of them stands.
create or replace function facteur.may_replace(s facteur.submissions, p_platform_id text) returns boolean
    language sql stable as $$
    select s.platform_id <> p_platform_id and s.state in ('submitted', 'closed') and s.objection is not null
       and facteur.is_a_persons(s.objection_code) and facteur.may_hold(s.invoice_id, p_platform_id)
$$;

-- Whether a deposit is another invoice's, or one that was refused, beyond a mix-up of ids; p_unverified: nobody asks the platform, so a
-- mix-up counts.
create or replace function facteur.surely_taken(p_invoice_id text, p_platform_id text, p_unverified boolean) returns boolean
    language sql stable as $$
    select exists (select from facteur.holders(p_invoice_id, array[p_platform_id]) h
                   where (p_unverified or h.refused or not exists (select from facteur.mixed_up(p_platform_id) m where m.invoice_id <> p_invoice_id))
                     and not (h.invoice_id = p_invoice_id and facteur.may_hold(p_invoice_id, p_platform_id)))
$$;

-- A new submission of an invoice whose last one was rejected: that one keeps its verdict, and gives the deposit up if it has it.
create or replace function facteur.reopen(s facteur.submissions, p_account text, p_platform_id text) returns facteur.submissions
    language plpgsql as $$
begin
    update facteur.submissions w set platform_id = null where w.id = s.id and w.platform_id = p_platform_id; -- taken back
    insert into facteur.submissions (invoice_id, account, state, due_at, invoice_number, seller_siren, issue_date, total, currency)
    values (s.invoice_id, p_account, 'pending', facteur.now(), s.invoice_number, s.seller_siren, s.issue_date, s.total, s.currency)
    returning * into s;
    return s;
exception when unique_violation or lock_not_available then
    perform facteur.refuse(format('Invoice %s has another submission by now: look at it with facteur show.', s.invoice_id));
end $$;

-- A deposit that another submission of its invoice had, or has: that one gives it up. Its statuses come along, and those that refuse it
-- are settled: a person says that it stands in spite of them.
create or replace function facteur.take_over(s facteur.submissions, p_account text, p_platform_id text) returns void
    language sql as $$
    update facteur.submissions w set platform_id = null
    where w.invoice_id = s.invoice_id and w.id <> s.id and w.platform_id = p_platform_id and w.account = any (facteur.names_of_client(p_account));
    insert into facteur.status_events (status_id, submission_id, platform_id, code, platform_code, network_code, label, occurred_at,
                                       date_believed, date_given, caused_by, audience, reason, message, raw)
    select e.status_id, s.id, e.platform_id, e.code, e.platform_code, e.network_code, e.label, e.occurred_at,
           e.date_believed, e.date_given, e.caused_by, e.audience, e.reason, e.message, e.raw
    from facteur.status_events e join facteur.submissions o on o.id = e.submission_id
    where o.invoice_id = s.invoice_id and o.id <> s.id and e.platform_id = p_platform_id and o.account = any (facteur.names_of_client(p_account))
    order by e.id
    on conflict on constraint status_events_once do nothing;
    update facteur.status_events e set settled = e.settled or facteur.rejects(e.code), written_at = coalesce(e.written_at, (
        select max(k.written_at) from facteur.status_events k join facteur.submissions o on o.id = k.submission_id
        where o.invoice_id = s.invoice_id and (k.platform_id, k.status_id, k.code) = (e.platform_id, e.status_id, e.code)))
    where e.submission_id = s.id and e.platform_id = p_platform_id
$$;

-- The attempt that made a deposit which a person found: the one that was answered with it, or one of those that are in doubt, else one
-- that is made up for it; as it was before.
create or replace function facteur.adopt_attempt(s facteur.submissions, p_found jsonb, p_who text) returns facteur.attempts
    language plpgsql as $$
declare
    holder constant text := p_found ->> 'account';
    found_id constant text := p_found ->> 'platform_id';
    found_sha256 constant text := p_found ->> 'sha256';
    attempt facteur.attempts;
begin
    select a.* into attempt from facteur.attempts a
    where a.account = holder and a.invoice_id = s.invoice_id
      and (a.platform_id = found_id or (found_sha256 is null or a.document_sha256 = found_sha256)
                                       and a.id in (select d.id from facteur.doubtful_attempts(s.invoice_id) d where d.outcome is distinct from 'accepted'))
    order by a.platform_id = found_id desc nulls last, a.outcome = 'not_found' nulls first, a.id desc limit 1;
    if attempt.id is null then
        insert into facteur.attempts (submission_id, invoice_id, account, lease_token, ended_at, outcome, message, platform_id, document_sha256,
                                      invoice_number, seller_siren, total, currency, platform)
        values (s.id, s.invoice_id, holder, gen_random_uuid(), facteur.now(), 'accepted', 'adopted by ' || p_who, found_id,
                coalesce(found_sha256, 'unknown'), s.invoice_number, s.seller_siren, s.total, s.currency, nullif(p_found -> 'platform', 'null'));
    else
        update facteur.attempts set outcome = 'accepted', platform_id = found_id, ended_at = facteur.now(), code = null, message = 'adopted by ' || p_who
        where id = attempt.id;
    end if;
    return attempt;
end $$;

-- A deposit that a person found (p_found: platform_id; where the platform was asked sha256, if it shows a copy, and platform; account,
-- if it is not the submission's) becomes the invoice's. One that was rejected keeps its verdict: a new submission takes the deposit.
create or replace function facteur.adopt(p_submission_id bigint, p_found jsonb, p_act jsonb) returns text
    language plpgsql as $$
declare
    s facteur.submissions := facteur.lock_to_operate(p_submission_id);
    was constant text := s.state;
    holder constant text := coalesce(p_found ->> 'account', s.account);
    found_id constant text := p_found ->> 'platform_id';
    found_sha256 constant text := p_found ->> 'sha256';
    platform constant jsonb := nullif(p_found -> 'platform', 'null');
    replaces constant boolean := facteur.may_replace(s, found_id);
    other text;
    attempt facteur.attempts;
begin
    if s.state in ('submitted', 'closed') and s.platform_id = found_id and s.objection is not null then
        perform facteur.log_operation(p_act, holder, s.id, s.invoice_id, p_found || jsonb_build_object('objection', s.objection_code));
        return facteur.settle_objection(s, p_act ->> 'who');
    end if;
    if (platform is not null or replaces) and s.objection_code = 'shown_as_another' and s.state in ('submitted', 'closed')
       and (s.number_seen is null or facteur.is_anothers(s, s.number_seen)) then
        perform facteur.let_go(s, p_act ->> 'who');
        select w.* into s from facteur.submissions w where w.id = s.id;
    end if;
    if s.state not in ('failed', 'in_doubt', 'pending', 'rejected') and not replaces then
        perform facteur.refuse(format('Invoice %s is %s: only what failed, was rejected, is in doubt, or is pending adopts a deposit.', s.invoice_id, s.state));
    end if;
    perform facteur.refuse_unknown_account(holder);
    perform pg_advisory_xact_lock(hashtextextended(found_id, 7161838)); -- whoever adopts it for another invoice meanwhile
    if platform is not null and not facteur.surely_taken(s.invoice_id, found_id, false) then
        perform facteur.let_go(facteur.lock_to_operate(m.id), p_act ->> 'who') from facteur.mixed_up(found_id) m
        where m.account = any (facteur.names_of_client(holder)); -- ids are a client's
    end if;
    if facteur.surely_taken(s.invoice_id, found_id, true) then
        perform facteur.refuse(format('Deposit %s is another invoice''s, or one that the platform refused.', found_id));
    end if;
    select string_agg(distinct a.platform_id, ', ') into other from facteur.doubtful_attempts(s.invoice_id) a
    where a.outcome = 'accepted' and a.platform_id <> found_id;
    if other is not null and not facteur.may_hold(s.invoice_id, found_id) then
        perform facteur.refuse(format('The platform has already answered with deposit %s for invoice %s: adopt that one.', other, s.invoice_id));
    end if;
    s := case when s.state = 'rejected' then facteur.reopen(s, holder, found_id) else s end;
    perform facteur.log_operation(p_act, holder, s.id, s.invoice_id, p_found || jsonb_build_object('state', was));
    perform facteur.take_over(s, holder, found_id);
    attempt := facteur.adopt_attempt(s, p_found || jsonb_build_object('account', holder), p_act ->> 'who');
    insert into facteur.budgets (key) values ('account:' || holder) on conflict do nothing; -- a poll asks for accounts that have one
    perform facteur.pin(holder, platform);
    begin
        update facteur.submissions set document_sha256 = coalesce(found_sha256, case when attempt.platform_id = found_id then attempt.document_sha256 end, document_sha256),
            account = holder, client = coalesce(md5(platform::text), case when account = holder then client end), mismatch = coalesce(case when mismatch is distinct from objection then mismatch end,
            facteur.asks_for_another(s.invoice_id, coalesce(attempt.invoice_number, s.invoice_number), coalesce(attempt.seller_siren, s.seller_siren))),
            objection_code = null, objection = null -- of one that was stopped: it is settled
        where id = s.id;
        perform facteur.move_submission(s.id, jsonb_build_object('state', 'submitted', 'due_in_seconds', 5, 'platform_id', found_id));
        perform facteur.give_up_others(s, found_id, p_act ->> 'who');
    exception when unique_violation or lock_not_available then
        perform facteur.refuse(format('Invoice %s has another submission by now: look at it with facteur show.', s.invoice_id));
    end;
    return concat_ws(' ', case when facteur.try_write_back(s.id, '2s') then format('Adopted deposit %s: its life cycle is followed from now on.', found_id)
                               else format('Adopted deposit %s. Its row could not be written yet; that is repeated by itself.', found_id) end,
                          case when other is not null then format('Deposit %s may stand as well: have it cancelled at the platform.', other) end);
end $$;
