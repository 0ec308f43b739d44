-- What a call came to, in one transaction: attempt, submission, account, write-back. Moves a submission only while it has its lease;
-- after that only a deposit that turns out accepted counts. Locks: submissions by id (also those of the same deposit), buckets by key,
-- advisory the deposit's id, the company's row last.

-- What keeps a row from being shown as deposited, where it asks for another invoice than was sent; null: it asks for this one.
create or replace function facteur.asks_for_another(p_invoice_id text, p_number text, p_seller text) returns text
    language plpgsql stable as $$
declare
    shown constant facteur.invoice := (select l.shown from facteur.read_row(p_invoice_id) l);
begin
    return case when p_number is not null and shown.invoice_id is not null
                     and (shown.invoice_number, shown.seller_siren) is distinct from (p_number, p_seller)
        then facteur.mismatch_in_words(shown.invoice_number, shown.seller_siren, p_number, p_seller) end;
end $$;

-- Move a submission. p_move: state, due_in_seconds, platform_id, error_code, error_message, waited_seconds, empty_lookups,
-- duplicate_verdict, clock, shared (many wait for the cause: it uses up none of the invoice's time), store and store_reason (which
-- refuses its document). What is absent stays as it is.
create or replace function facteur.move_submission(p_submission_id bigint, p_move jsonb) returns void
    language plpgsql as $$
begin
    update facteur.attempts a set -- who leaves `rejected` leaves his deposit behind as what it is
        outcome = case when facteur.refused(s) then 'rejected' else 'duplicate' end,
        code = case when facteur.refused(s) then a.code else s.last_error_code end
    from facteur.submissions s
    where s.id = p_submission_id and s.state = 'rejected' and p_move ->> 'state' = 'failed'
      and a.invoice_id = s.invoice_id and a.platform_id = s.platform_id and a.outcome = 'accepted';
    update facteur.submissions set
        state = m.state,
        due_at = case when m.state in ('rejected', 'closed', 'failed') then null
                      else facteur.now() + make_interval(secs => coalesce(m.due_in_seconds, 0)) end,
        queued_at = null, lease_token = null, lease_until = null,
        platform_id = case when m.state in ('submitted', 'closed') then coalesce(m.platform_id, submissions.platform_id)
                           when m.state = 'rejected' then submissions.platform_id end,
        lifecycle_code = case when m.platform_id <> submissions.platform_id or m.state = 'in_doubt' then null else lifecycle_code end,
        lifecycle_at = case when m.platform_id <> submissions.platform_id or m.state = 'in_doubt' then null else lifecycle_at end,
        submitted_at = case when m.state = 'submitted' then coalesce(submitted_at, facteur.now()) else submitted_at end,
        doubt_since = case when m.state <> 'in_doubt' then doubt_since
                           when submissions.state <> 'in_doubt' then facteur.now() else doubt_since end,
        doubt_clock = case when m.state = 'in_doubt' and m.clock is not null
                           then m.clock || jsonb_build_object('of', submissions.doubt_since) else submissions.doubt_clock end,
        duplicate_verdict = case when m.state = 'in_doubt' then coalesce(m.duplicate_verdict, submissions.duplicate_verdict) else false end,
        empty_lookups = case when m.state <> 'in_doubt' or submissions.state <> 'in_doubt' then 0
                             else submissions.empty_lookups + coalesce(m.empty_lookups, 0) end,
        tries = case when m.state in ('pending', 'in_doubt') then tries + 1 else 0 end,
        waited = case when m.state in ('pending', 'in_doubt') then waited + make_interval(secs => coalesce(m.waited_seconds, 0)) else waited end,
        excused = case when m.state <> 'in_doubt' or submissions.state <> 'in_doubt' then interval '0'
                       when m.shared then excused + make_interval(secs => coalesce(m.due_in_seconds, 0)) else excused end,
        store = m.store,
        last_error_code = m.error_code, last_error_message = m.error_message,
        unread_since = case when m.state in ('submitted', 'rejected') and coalesce(m.platform_id, submissions.platform_id) = submissions.platform_id
                            then unread_since end,
        number_seen = case when m.state in ('submitted', 'closed', 'rejected') and (m.platform_id is null or m.platform_id = submissions.platform_id)
                           then number_seen end,
        mismatch = case when m.state in ('submitted', 'closed') then coalesce(mismatch, objection)
                        when mismatch is distinct from objection then mismatch end,
        -- one that was stopped keeps why: a 201 may still come (ask)
        objection_code = case when m.state in ('submitted', 'closed') or m.state = 'failed' and m.error_code = objection_code then objection_code end,
        objection = case when m.state in ('submitted', 'closed') or m.state = 'failed' and m.error_code = objection_code then objection end,
        finalized_at = case when m.state = submissions.state then finalized_at -- its reason came later
                            when m.state in ('rejected', 'closed', 'failed') then facteur.now() end,
        updated_at = facteur.now()
    from jsonb_to_record(p_move) as m(state text, due_in_seconds double precision, platform_id text, error_code text, error_message text,
                                      waited_seconds double precision, empty_lookups integer, duplicate_verdict boolean, clock jsonb,
                                      shared boolean, store text)
    where id = p_submission_id;
    if p_move ? 'store' then
        insert into facteur.stores (name, reason) values (p_move ->> 'store', p_move ->> 'store_reason')
        on conflict (name) do update set reason = excluded.reason, refused_at = facteur.now();
    end if;
end $$;

-- Each deposit that an invoice holds has an attempt that was accepted, also one that a look-up found for an attempt which the platform
-- called its duplicate: the same bytes.
create or replace function facteur.attribute_found(s facteur.submissions, p_platform_id text) returns void
    language sql as $$
    insert into facteur.attempts (submission_id, invoice_id, account, lease_token, ended_at, outcome, message, platform_id, document_sha256,
                                  invoice_number, seller_siren, total, currency, platform, own_key, number_read)
    select s.id, s.invoice_id, a.account, gen_random_uuid(), facteur.now(), 'accepted', 'found by look-up', p_platform_id, a.document_sha256,
           a.invoice_number, a.seller_siren, a.total, a.currency, a.platform, a.own_key, a.number_read
    from facteur.attempts a where a.invoice_id = s.invoice_id and a.outcome = 'duplicate' order by a.submission_id = s.id desc, a.id desc limit 1
$$;

-- The attempt that an outcome is of; by its lease, too: where a replica that lost the last moments took over, ids are given again.
create or replace function facteur.attempt_of(p_outcome jsonb) returns facteur.attempts
    language sql stable as $$
    select a.* from facteur.attempts a
    where a.id = (p_outcome -> 'attempt' ->> 'id')::bigint and a.invoice_id = coalesce(p_outcome ->> 'invoice_id', a.invoice_id)
      and a.lease_token = (p_outcome ->> 'lease_token')::uuid
$$;

-- The same outcome, where the id that the platform named is the deposit of another row (p_holder). Whichever of both is right: this one
-- is looked up, and the other is compared with what the platform shows.
create or replace function facteur.outcome_taken(p_outcome jsonb, p_platform_id text, p_holder text) returns jsonb
    language sql stable as $$
    select p_outcome || jsonb_build_object(
        'attempt', (p_outcome -> 'attempt') - 'platform_id' || jsonb_build_object('outcome', 'unknown', 'code', 'platform_id_taken',
            'message', format('answered with id %s, which the deposit of row %s has', p_platform_id, p_holder)),
        'move', jsonb_build_object('state', 'in_doubt', 'due_in_seconds', 15, 'error_code', 'platform_id_taken', 'duplicate_verdict', false, 'error_message',
            format('The platform answered with id %s, which the deposit of row %s has. It is looked up before anything is sent again.', p_platform_id, p_holder)))
$$;

-- Have the row that is deposited under an id ask for its statuses now.
create or replace function facteur.ask_now(p_platform_id text) returns void
    language sql as $$
    update facteur.submissions set due_at = facteur.now() where id in (
        select h.id from facteur.submissions h
        where h.platform_id = p_platform_id and h.state = 'submitted' and h.due_at > facteur.now() for update skip locked)
$$;

-- The database forgot the attempt of an outcome that may be a deposit; the platform perhaps not.
create or replace function facteur.restore_attempt(p_outcome jsonb, p_platform_id text) returns facteur.attempts
    language sql as $$
    insert into facteur.attempts (invoice_id, account, lease_token, ended_at, outcome, code, message, platform_id, document_sha256, invoice_number,
                                  seller_siren, total, currency)
    select it.invoice_id, p_outcome ->> 'account', (p_outcome ->> 'lease_token')::uuid, facteur.now(),
           p_outcome -> 'attempt' ->> 'outcome', p_outcome -> 'attempt' ->> 'code', 'answered after the database had lost it', p_platform_id,
           'unknown', w.invoice_number, w.seller_siren, w.total, w.currency
    from (select p_outcome ->> 'invoice_id' as invoice_id) it
    left join lateral (select * from facteur.submissions o where o.invoice_id = it.invoice_id order by o.id desc limit 1) w on true
    where p_outcome ? 'invoice_id' and p_outcome -> 'attempt' ->> 'outcome' in ('accepted', 'unknown')
    returning *
$$;

-- What a look-up found of attempts (found), and which deposits its answer showed as standing (witnesses).
create or replace function facteur.note_look_up(p_outcome jsonb) returns void
    language sql as $$
    update facteur.attempts a set outcome = 'accepted', platform_id = f.platform_id, message = 'found by look-up', ended_at = facteur.now()
    from jsonb_to_recordset(coalesce(p_outcome -> 'found', '[]')) as f(attempt_id bigint, platform_id text)
    where a.id = f.attempt_id and a.invoice_id = coalesce(p_outcome ->> 'invoice_id', a.invoice_id)
      and (a.outcome is null or a.outcome <> 'accepted' and a.platform_id is distinct from f.platform_id)
      and facteur.holder_of(a, a.invoice_id, f.platform_id) is null;
    update facteur.attempts set witnessed_at = facteur.now() where id in (
        select a.id from facteur.attempts a
        where a.platform_id in (select jsonb_array_elements_text(p_outcome -> 'witnesses')) and a.outcome = 'accepted'
          and coalesce(a.witnessed_at, '-infinity') < facteur.now() - interval '10 minutes'
        order by a.id for update skip locked) and p_outcome ? 'witnesses'
$$;

-- A doubt was asked for often enough: the platform does not have what its attempts sent.
create or replace function facteur.note_not_found(s facteur.submissions) returns void
    language sql as $$
    update facteur.attempts set outcome = 'not_found', ended_at = coalesce(ended_at, facteur.now())
    where invoice_id = s.invoice_id and (outcome is null or outcome = 'unknown')
$$;

-- The submission whose doubt a late 201 resolves: whichever of the invoice still waits, or was given up.
create or replace function facteur.still_waiting(p_invoice_id text) returns facteur.submissions
    language sql as $$
    select w.* from facteur.submissions w
    where w.id = (select l.id from facteur.submissions l
                  where l.invoice_id = p_invoice_id and (l.state <> 'rejected' or l.platform_id is null)
                  order by l.state in ('failed', 'rejected'), l.id desc limit 1)
      and w.state in ('in_doubt', 'pending', 'failed', 'rejected') for update
$$;

-- The first deposit of an invoice that was accepted: whatever another attempt's answer says, the platform keeps that one.
create or replace function facteur.first_accepted(s facteur.submissions) returns text
    language sql stable as $$
    select a.platform_id from facteur.attempts a
    where a.invoice_id = s.invoice_id and a.outcome = 'accepted'
      and (a.submission_id = s.id or not exists (
          select from facteur.submissions r
          where r.platform_id = a.platform_id and r.invoice_id = a.invoice_id and facteur.same_client(a.platform, r.client) and r.state = 'rejected'))
    order by a.started_at, a.id limit 1
$$;

-- The platform has answered with more than one deposit for an invoice, and both may be paid, also where it has refused the one that the
-- row had, or a person has rejected it: a person asks which one stands.
create or replace function facteur.object_to_another(p_invoice_id text) returns void
    language plpgsql as $$
declare
    s facteur.submissions;
    others text;
begin
    select w.* into s from facteur.submissions w
    where w.invoice_id = p_invoice_id and (w.state in ('submitted', 'closed') or w.state = 'rejected'
          and not exists (select from facteur.submissions n where n.invoice_id = w.invoice_id and n.id > w.id))
    order by w.state = 'rejected' limit 1;
    select string_agg(distinct a.platform_id, ', ') into others from facteur.doubtful_attempts(p_invoice_id) a
    where a.outcome = 'accepted' and a.platform_id is distinct from s.platform_id;
    perform facteur.ask(s, jsonb_build_object('code', 'two_deposits', 'text', case when s.state = 'rejected' then format(
        'This invoice was rejected (%s), and the platform has accepted it as %s as well. Ask whether that one stands; if it does, facteur '
        'adopt id:%s %2$s --why "…".', coalesce('deposit ' || s.platform_id, 'without a deposit'), others, p_invoice_id)
    else format(
        'The platform has accepted this invoice as %s and as %s. Ask which one stands and have the other one cancelled, then facteur adopt id:%s '
        'PLATFORM_ID --why "…".', s.platform_id, others, p_invoice_id) end)) where others is not null;
end $$;

-- Record one call's outcome, in one round trip: attempt, submission, pause of the account, write-back. The move is made only
-- while it has the lease; after that only a deposit that turns out accepted still resolves the invoice's doubt.
create or replace function facteur.record(p_outcome jsonb, p_lock_timeout text default '500ms') returns text
    language plpgsql as $$
declare
    target constant bigint := (p_outcome ->> 'submission_id')::bigint;
    lease constant uuid := (p_outcome ->> 'lease_token')::uuid;
    tried facteur.attempts := facteur.attempt_of(p_outcome);
    accepted_id text := p_outcome -> 'attempt' ->> 'platform_id';
    named_id constant text := coalesce(accepted_id, p_outcome -> 'move' ->> 'platform_id');
    s facteur.submissions;
    holder text;
    late boolean;
    state text;
begin
    perform set_config('synchronous_commit', 'on', true);
    perform from facteur.submissions -- rows before budgets, as everywhere, also the row that a late answer may move
    where id = target or invoice_id = coalesce(tried.invoice_id, case when accepted_id is not null then p_outcome ->> 'invoice_id' end)
       or platform_id = any (array(select e ->> 'platform_id' from jsonb_array_elements(p_outcome -> 'shown') e))
    order by id for update;
    perform facteur.note_outcome(p_outcome, tried.started_at);
    perform facteur.slow_down('address') where p_outcome -> 'move' ->> 'error_code' = 'connection_reset';
    select * into s from facteur.submissions where id = target for update;
    if named_id is not null then
        perform pg_advisory_xact_lock(hashtextextended(named_id, 7161838)); -- whoever records or adopts the same id for another invoice meanwhile
        holder := facteur.holder_of(tried, coalesce(p_outcome ->> 'invoice_id', s.invoice_id), named_id) where accepted_id is not null;
    end if;
    if holder is not null then
        p_outcome := facteur.outcome_taken(p_outcome, named_id, holder);
        accepted_id := null;
        perform facteur.ask_now(named_id);
    end if;
    if tried.id is not null then
        perform facteur.close_attempt(p_outcome -> 'attempt');
    else
        tried := facteur.restore_attempt(p_outcome, accepted_id);
    end if;
    perform facteur.pin(a.account, a.platform) from facteur.attempts a -- a doubt, too, belongs to one client
    where a.id = tried.id and a.outcome in ('accepted', 'unknown', 'duplicate');
    perform facteur.note_look_up(p_outcome);
    perform facteur.note_not_found(s) where p_outcome -> 'move' ->> 'state' = 'pending' and s.state = 'in_doubt' and s.lease_token = lease;
    late := s.lease_token is distinct from lease;
    if late and accepted_id is null then
        perform facteur.object_to_another(s.invoice_id); -- what a look-up found that came late
        return coalesce((select w.state from facteur.submissions w where w.id = target), 'gone');
    elsif late then
        s := facteur.still_waiting(tried.invoice_id);
        if s.id is null then
            return 'late' from facteur.object_to_another(tried.invoice_id);
        end if;
    end if;
    state := facteur.settle(s, p_outcome -> 'move', accepted_id);
    if late then -- of a row that nobody judged since, for it was not ready
        update facteur.submissions w set mismatch = coalesce(w.mismatch, facteur.asks_for_another(w.invoice_id, tried.invoice_number, tried.seller_siren))
        where w.id = s.id;
    end if;
    perform facteur.try_write_back(s.id, p_lock_timeout) where facteur.technical_status(state) <> s.written_status;
    if p_outcome ? 'shown' then -- which may stop it
        perform facteur.check_shown(s.account, p_outcome -> 'shown');
        state := (select w.state from facteur.submissions w where w.id = s.id);
    end if;
    return state;
end $$;

-- What becomes of one whose look-up finds the deposit that a person rejected for this invoice, or an answer names it; null: it is none.
create or replace function facteur.found_rejected(s facteur.submissions, p_platform_id text) returns jsonb
    language sql stable as $$
    select jsonb_build_object('state', 'failed', 'error_code', 'rejected_document', 'error_message', format(
        'The platform has deposit %s for this invoice, and a person rejected that one: it may stand there. If it does, facteur adopt id:%s %s '
        '--why "…"; if not, correct the invoice under a number of its own.', p_platform_id, s.invoice_id, p_platform_id))
    from facteur.submissions r
    where r.invoice_id = s.invoice_id and r.id <> s.id and r.platform_id = p_platform_id and r.state = 'rejected' and not facteur.refused(r)
      and r.account = any (facteur.names_of_client(s.account)) limit 1
$$;

-- Move a submission as its call has come to (p_move), or to the deposit that it has: the first that was accepted, else this one
-- (p_accepted_id). One that is another invoice's by now is looked up again; one that was stopped meanwhile is not. The state that it has then.
create or replace function facteur.settle(s facteur.submissions, p_move jsonb, p_accepted_id text) returns text
    language plpgsql as $$
declare
    first_id constant text := facteur.first_accepted(s);
    move jsonb := p_move;
begin
    if coalesce(first_id, p_accepted_id) is not null then
        move := jsonb_build_object('state', 'submitted', 'due_in_seconds', 5, 'platform_id', coalesce(first_id, p_accepted_id));
    end if;
    if move ->> 'state' = 'submitted' and cardinality(facteur.taken_elsewhere(s.invoice_id, array[move ->> 'platform_id'])) > 0 then
        move := jsonb_build_object('state', 'in_doubt', 'due_in_seconds', 15, 'error_code', 'platform_id_taken', 'error_message',
            'The deposit that was found is another invoice''s by now. It is looked up again before anything is sent.');
    end if;
    if move ->> 'state' = 'submitted' then -- a person's decision on that deposit is his to take back
        move := coalesce(facteur.found_rejected(s, move ->> 'platform_id'), move);
    end if;
    if s.objection is not null and move ->> 'state' <> 'submitted' then -- it was stopped while it was being sent
        move := jsonb_build_object('state', 'failed', 'error_code', s.objection_code, 'error_message', facteur.stopped_in_words(s.objection, move ->> 'state'));
    end if;
    perform facteur.move_submission(s.id, move);
    if move ->> 'state' = 'submitted' and first_id is null and p_accepted_id is null then -- found, and made by no attempt that is open
        perform facteur.attribute_found(s, move ->> 'platform_id');
    end if;
    perform facteur.object_to_another(s.invoice_id) where move ->> 'state' = 'submitted';
    return move ->> 'state';
end $$;

-- A waiting row that was not claimed (bad input, no credentials): move it, once. The row must still be what the message meant.
create or replace function facteur.record_unclaimed(p_outcome jsonb) returns text
    language plpgsql as $$
declare
    s facteur.submissions;
begin
    perform set_config('lock_timeout', '10s', true); -- a relay may hold the row while it waits for SQS
    select * into s from facteur.submissions where id = (p_outcome ->> 'submission_id')::bigint for update;
    perform facteur.note_outcome(p_outcome, null);
    if s.state not in ('pending', 'in_doubt') or s.queued_at is null or s.due_at > facteur.now()
       or (p_outcome ->> 'tries')::integer <> s.tries or p_outcome ->> 'was' <> s.state or p_outcome ->> 'invoice_id' <> s.invoice_id then
        return 'duplicate';
    end if;
    update facteur.submissions set excused = excused + (facteur.now() - due_at) where id = s.id and state = 'in_doubt';
    perform facteur.move_submission(s.id, p_outcome -> 'move');
    if facteur.technical_status(p_outcome -> 'move' ->> 'state') <> s.written_status then
        perform facteur.try_write_back(s.id);
    end if;
    return p_outcome -> 'move' ->> 'state';
end $$;

-- A row that is gone, or no longer ready and certainly never deposited: the intention ends, and a note makes a later change start
-- anew. One that may have been deposited waits.
create or replace function facteur.withdraw(p_submission_id bigint) returns boolean
    language sql set lock_timeout = '10s' as $$
    with gone as (
        delete from facteur.submissions s
        where id = p_submission_id and state = 'pending' and queued_at is not null and due_at <= facteur.now()
          and not exists (select from facteur.attempts a where a.submission_id = s.id
                          and (a.outcome is null or a.outcome in ('unknown', 'not_found', 'accepted')))
        returning invoice_id
    ), kept as (
        update facteur.submissions s set queued_at = null, due_at = facteur.now() + interval '10 minutes', updated_at = facteur.now(),
            last_error_code = 'not_ready', last_error_message = 'The invoice is no longer ready, and an earlier attempt may have deposited it.'
        where id = p_submission_id and state = 'pending' and queued_at is not null and due_at <= facteur.now()
          and exists (select from facteur.attempts a where a.submission_id = s.id
                      and (a.outcome is null or a.outcome in ('unknown', 'not_found', 'accepted')))
    ), noted as (
        insert into facteur.changes (invoice_ids) select array[invoice_id] from gone
    )
    select exists (select from gone)
$$;
