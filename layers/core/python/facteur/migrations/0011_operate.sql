-- Operate: what a person does, each act recorded with who and why in its own transaction (p_act: operation, who, why).
-- A refusal is an exception of SQLSTATE FR001, and its text a sentence for that person: nothing was done then.

create function facteur.refuse(p_sentence text) returns void
    language plpgsql as $$
begin
    raise '%', p_sentence using errcode = 'FR001';
end $$;

create function facteur.log_operation(p_act jsonb, p_account text, p_submission_id bigint, p_invoice_id text, p_detail jsonb) returns void
    language sql as $$
    insert into facteur.operations (who, why, operation, caller, request_id, account, submission_id, invoice_id, detail)
    values (p_act ->> 'who', p_act ->> 'why', p_act ->> 'operation', p_act ->> 'caller', p_act ->> 'request_id',
            p_account, p_submission_id, p_invoice_id, p_detail)
$$;

-- The row, locked, and certainly nobody's work: a lease that runs, or ran out and is not ended yet, is left alone.
create function facteur.lock_to_operate(p_submission_id bigint) returns facteur.submissions
    language plpgsql as $$
declare
    s facteur.submissions;
begin
    perform set_config('synchronous_commit', 'on', true);
    perform set_config('lock_timeout', '5s', true);
    begin
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

-- Null: the row is of a kind that is deposited. Else what the view calls it, in words.
create function facteur.kind_of(p_invoice_id text) returns text
    language plpgsql stable as $$
declare
    found_kind text;
begin
    if facteur.source_column('other_kind') <> 'null' then
        execute format('select s.other_kind::text from facteur.invoice_source s where s.invoice_id operator(pg_catalog.=) $1::%s limit 1', facteur.key_type())
        into found_kind using p_invoice_id;
    end if;
    return case when found_kind is not null then format('its kind %s was not named as an invoice''s', found_kind) end;
exception when others or assert_failure then
    return null;
end $$;

-- Why the view does not show a row as ready, as far as its columns tell.
create function facteur.lacks(p_shown facteur.invoice) returns text
    language plpgsql stable as $$
declare
    first_day constant date := (select submit_from from facteur.installation);
begin
    return coalesce(nullif(concat_ws(', ',
        facteur.kind_of(p_shown.invoice_id),
        case when facteur.word(p_shown.technical_status) is null and facteur.source_column('technical_status') <> 'null' then 'its technical_status is null'
             when facteur.word(p_shown.technical_status) is distinct from 'pending' then format('its technical_status shows %s', p_shown.technical_status) end,
        case when p_shown.document_uri is null and p_shown.document_bytes is null then 'it has no document' end,
        case when first_day is null then 'submit_from is not set'
             when p_shown.issue_date is null then 'it has no issue_date'
             when p_shown.issue_date < first_day then format('its issue_date %s is before submit_from %s', p_shown.issue_date, first_day) end
        ), ''), 'the view''s own condition does not hold (is its status final?)');
end $$;

-- Null: the row is ready. Else what keeps it from being sent.
create function facteur.not_ready_because(p_invoice_id text) returns text
    language plpgsql stable as $$
declare
    looked record;
begin
    select * into looked from facteur.look_at_row(p_invoice_id);
    return coalesce(looked.problem, case when not (looked.shown).ready then facteur.lacks(looked.shown) end);
end $$;

-- Write a row by the company's own function. Where it raises, that is told without the row's content.
create function facteur.write_row(p_invoice_id text, p_status text) returns void
    language plpgsql as $$
begin
    perform facteur.write_back(p_invoice_id, p_status, null, null);
    perform facteur.settle_constraints();
exception
    when lock_not_available or deadlock_detected then
        perform facteur.refuse(format('Somebody holds the row of invoice %s: try again in a moment.', p_invoice_id));
    when others or assert_failure then
        perform facteur.refuse(format('facteur.write_back raises on invoice %s (SQLSTATE %s): mend what raises there, a trigger perhaps.',
                                      p_invoice_id, sqlstate));
end $$;

-- Once more, by the way that a back office takes: the row says pending, and the relay opens a new submission, in doubt from the
-- start where an attempt's outcome is unknown. What still waits is looked at now. Nothing is ever sent from here.
create function facteur.retry(p_submission_id bigint, p_act jsonb) returns text
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
    if s.write_back_due_at is not null and not facteur.tell_company(s.id, '5s') then
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
create function facteur.disown_deposit(s facteur.submissions, p_who text) returns void
    language sql as $$
    update facteur.attempts set outcome = 'unknown', platform_id = null, message = format('answered with id %s, which is another invoice''s (%s)', s.platform_id, p_who)
    where invoice_id = s.invoice_id and platform_id = s.platform_id and outcome = 'accepted'
$$;

-- A person's decision that this is not to be sent. Attempts of unknown outcome stay so, and one that was answered with another's
-- deposit becomes one: a later pending starts in doubt.
create function facteur.reject(p_submission_id bigint, p_act jsonb) returns text
    language plpgsql as $$
declare
    s constant facteur.submissions := facteur.lock_to_operate(p_submission_id);
begin
    if s.state not in ('failed', 'in_doubt') and s.objection is null then
        perform facteur.refuse(format('Invoice %s (id %s) is %s: only what failed or is in doubt is rejected by a person%s.',
            coalesce(s.invoice_number, 'without a number'), s.invoice_id, s.state,
            case when s.state = 'pending' then '. Nothing was sent yet: take its row back, and it is withdrawn' else '' end));
    end if;
    perform facteur.log_operation(p_act, s.account, s.id, s.invoice_id, jsonb_build_object('state', s.state));
    perform facteur.disown_deposit(s, p_act ->> 'who') where s.objection_code = 'shown_as_another';
    perform facteur.move_submission(s.id, jsonb_build_object('state', 'rejected', 'error_code', 'rejected_by_person',
        'error_message', format('%s: %s', p_act ->> 'who', p_act ->> 'why')));
    update facteur.submissions w set platform_id = null where w.id = s.id and s.objection_code = 'shown_as_another';
    return concat_ws(' ', case when facteur.tell_company(s.id, '2s') then 'Rejected, and its row says so.'
                               else 'Rejected. Its row could not be written yet; that is repeated by itself.' end,
                          case when exists (select from facteur.doubtful_attempts(s.invoice_id))
                               then 'An attempt''s outcome stays unknown: the platform may have it.' end);
end $$;

-- A person says that a deposit is the invoice's in spite of what made its row show an error: that is not said again.
create function facteur.settle_objection(s facteur.submissions) returns text
    language plpgsql as $$
begin
    update facteur.submissions w set objection = null, mismatch = case when w.mismatch is distinct from w.objection then w.mismatch end
    where w.id = s.id;
    return case when facteur.tell_company(s.id, '2s') then 'The deposit stands, and its row says so.'
                else 'The deposit stands. Its row could not be written yet; that is repeated by itself.' end;
end $$;

-- Another invoice's deposit that the platform shows as someone else's, or a wrong one of its own: the invoice lets it go, and its
-- own deposit is looked up as after any unknown outcome.
create function facteur.let_go(s facteur.submissions, p_who text) returns void
    language plpgsql as $$
begin
    perform facteur.disown_deposit(s, p_who);
    perform facteur.move_submission(s.id, jsonb_build_object('state', 'in_doubt', 'due_in_seconds', 0, 'error_code', 'shown_as_another', 'duplicate_verdict', false,
        'error_message', format('Deposit %s was another invoice''s. This one''s own is looked up before anything is sent again.', s.platform_id)));
    perform facteur.tell_company(s.id, '2s');
end $$;

-- The invoices that hold a deposit which the platform shows under another's number.
create function facteur.mixed_up(p_platform_id text) returns setof facteur.submissions
    language sql stable as $$
    select s.* from facteur.submissions s
    where s.platform_id = p_platform_id and s.objection_code = 'shown_as_another' and s.state in ('submitted', 'closed')
      and facteur.is_anothers(s, s.number_seen)
$$;

-- Whether a deposit is another invoice's beyond a mix-up of ids; p_unverified: nobody asks the platform, so a mix-up counts.
create function facteur.held_firmly(p_invoice_id text, p_platform_id text, p_unverified boolean) returns boolean
    language sql stable as $$
    select exists (select from facteur.holders(p_invoice_id, array[p_platform_id]) h
                   where p_unverified or h.refused or not exists (select from facteur.mixed_up(p_platform_id) m where m.invoice_id <> p_invoice_id))
$$;

-- A deposit that a person found (p_found: platform_id; where the platform was asked sha256, if it shows a copy, and platform; account,
-- if it is not the submission's) becomes the invoice's. One that was rejected keeps its verdict: a new submission takes the deposit.
create function facteur.adopt(p_submission_id bigint, p_found jsonb, p_act jsonb) returns text
    language plpgsql as $$
declare
    s facteur.submissions := facteur.lock_to_operate(p_submission_id);
    was constant text := s.state;
    holder constant text := coalesce(p_found ->> 'account', s.account);
    found_id constant text := p_found ->> 'platform_id';
    found_sha256 constant text := p_found ->> 'sha256';
    platform constant jsonb := nullif(p_found -> 'platform', 'null');
    other text;
    attempt facteur.attempts;
begin
    if s.state in ('submitted', 'closed') and s.platform_id = found_id and s.objection is not null then
        perform facteur.log_operation(p_act, holder, s.id, s.invoice_id, p_found || jsonb_build_object('objection', s.objection_code));
        return facteur.settle_objection(s);
    end if;
    if platform is not null and s.objection_code = 'shown_as_another' and s.state in ('submitted', 'closed')
       and (s.number_seen is null or facteur.is_anothers(s, s.number_seen)) then
        perform facteur.let_go(s, p_act ->> 'who');
        select w.* into s from facteur.submissions w where w.id = s.id;
    end if;
    if s.state not in ('failed', 'in_doubt', 'pending', 'rejected') then
        perform facteur.refuse(format('Invoice %s is %s: only what failed, was rejected, is in doubt, or is pending adopts a deposit.', s.invoice_id, s.state));
    end if;
    perform facteur.refuse_unknown_account(holder);
    perform pg_advisory_xact_lock(hashtextextended(found_id, 7161838)); -- whoever adopts it for another invoice meanwhile
    if platform is not null and not facteur.held_firmly(s.invoice_id, found_id, false) then
        perform facteur.let_go(facteur.lock_to_operate(m.id), p_act ->> 'who') from facteur.mixed_up(found_id) m
        where m.account = any (facteur.names_of_client(holder)); -- ids are a client's
    end if;
    if cardinality(facteur.held_elsewhere(s.invoice_id, array[found_id])) > 0 then
        perform facteur.refuse(format('Deposit %s is another invoice''s, or one that the platform refused.', found_id));
    end if;
    select a.platform_id into other from facteur.doubtful_attempts(s.invoice_id) a where a.outcome = 'accepted' and a.platform_id <> found_id limit 1;
    if other is not null then
        perform facteur.refuse(format('The platform has already answered with deposit %s for invoice %s: adopt that one.', other, s.invoice_id));
    end if;
    if s.state = 'rejected' then
        begin
            insert into facteur.submissions (invoice_id, account, provider, state, due_at, invoice_number, seller_siren, issue_date, total, currency)
            values (s.invoice_id, holder, s.provider, 'pending', facteur.now(), s.invoice_number, s.seller_siren, s.issue_date, s.total, s.currency)
            returning * into s;
        exception when unique_violation or lock_not_available then
            perform facteur.refuse(format('Invoice %s has another submission by now: look at it with facteur show.', s.invoice_id));
        end;
    end if;
    select a.* into attempt from facteur.doubtful_attempts(s.invoice_id) a
    where a.account = holder and (found_sha256 is null or a.document_sha256 = found_sha256 or a.platform_id = found_id)
    order by a.platform_id = found_id desc nulls last, a.outcome = 'not_found' nulls first, a.id desc limit 1;
    if attempt.id is null then
        insert into facteur.attempts (submission_id, invoice_id, account, lease_token, ended_at, outcome, message, platform_id, document_sha256,
                                      invoice_number, seller_siren, total, currency, platform)
        values (s.id, s.invoice_id, holder, gen_random_uuid(), facteur.now(), 'accepted', 'adopted by ' || (p_act ->> 'who'), found_id,
                coalesce(found_sha256, 'unknown'), s.invoice_number, s.seller_siren, s.total, s.currency, platform);
    else
        update facteur.attempts set outcome = 'accepted', platform_id = found_id, ended_at = facteur.now(), message = 'adopted by ' || (p_act ->> 'who')
        where id = attempt.id;
    end if;
    insert into facteur.budgets (key) values ('account:' || holder) on conflict do nothing; -- a poll asks for accounts that have one
    perform facteur.pin(holder, platform);
    perform facteur.log_operation(p_act, holder, s.id, s.invoice_id, p_found || jsonb_build_object('state', was));
    begin
        update facteur.submissions set document_sha256 = coalesce(found_sha256, document_sha256), account = holder, client = coalesce(md5(platform::text), client), mismatch = coalesce(mismatch,
            facteur.asks_for_another(s.invoice_id, coalesce(attempt.invoice_number, s.invoice_number), coalesce(attempt.seller_siren, s.seller_siren)))
        where id = s.id;
        perform facteur.move_submission(s.id, jsonb_build_object('state', 'submitted', 'due_in_seconds', 5, 'platform_id', found_id));
    exception when unique_violation or lock_not_available then
        perform facteur.refuse(format('Invoice %s has another submission by now: look at it with facteur show.', s.invoice_id));
    end;
    return case when facteur.tell_company(s.id, '2s') then format('Adopted deposit %s: its life cycle is followed from now on.', found_id)
                else format('Adopted deposit %s. Its row could not be written yet; that is repeated by itself.', found_id) end;
end $$;

-- What a person asks of the platform counts, too, but does not wait: it is owed.
create function facteur.spend(p_account text, p_permits integer) returns void
    language plpgsql as $$
begin
    perform from facteur.budgets where key in ('address', 'account:' || p_account) order by key for update;
    update facteur.budgets set tokens = tokens - p_permits where key in ('address', 'account:' || p_account);
end $$;

-- Those that deposited, or will: after a restore even the first may have to be paused before its first invoice.
create function facteur.known_accounts() returns text[]
    language sql stable as $$
    select array_agg(account order by account) from (
        select 'default' as account
        union select substr(key, 9) from facteur.budgets where key like 'account:%'
        union select account from facteur.submissions
        union select jsonb_object_keys(pins) from facteur.installation
        union select account from facteur.routes union select credentials from facteur.routes) known
$$;

create function facteur.refuse_unknown_account(p_account text) returns void
    language plpgsql as $$
begin
    if p_account <> all (facteur.known_accounts()) then
        perform facteur.refuse(format('There is no account %s; there are: %s. A new one is there once a row shows it.',
                                      p_account, array_to_string(facteur.known_accounts(), ', ')));
    end if;
end $$;

-- Whether a row of the company's is of this account: a restored database may have forgotten that it ever deposited.
create function facteur.shows_account(p_account text) returns boolean
    language plpgsql stable as $$
declare
    shows boolean;
begin
    execute format('select exists (select from facteur.invoice_source s where coalesce(nullif(btrim(%s::text), %L), %L) = $1)',
                   facteur.source_column('account'), '', 'default') into shows using p_account;
    return shows;
exception when others or assert_failure then -- no view, or one that raises
    return false;
end $$;

-- Nothing of the account is claimed from now on; what is under way ends. Until a person resumes it, or for p_seconds.
create function facteur.hold(p_account text, p_seconds double precision, p_act jsonb) returns text
    language plpgsql as $$
declare
    until constant timestamptz := coalesce(facteur.now() + make_interval(secs => p_seconds), 'infinity');
    routed constant text := facteur.routed(p_account, facteur.now());
begin
    perform set_config('lock_timeout', '5s', true);
    if not facteur.shows_account(p_account) then
        perform facteur.refuse_unknown_account(p_account);
    end if;
    insert into facteur.budgets (key, held_until, held_by, held_why) values ('account:' || p_account, until, p_act ->> 'who', p_act ->> 'why')
    on conflict (key) do update set held_until = excluded.held_until, held_by = excluded.held_by, held_why = excluded.held_why;
    perform facteur.log_operation(p_act, p_account, null, null, jsonb_build_object('until', until));
    return format('Account %s is paused %s. What is under way ends; no other account waits.%s', p_account,
                  case when until = 'infinity' then 'until somebody resumes it'
                       else 'until ' || to_char(until at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') end,
                  case when routed <> p_account then format(' Its new invoices go to %s now: pause that one as well.', routed) end);
end $$;

-- Ends a person's pause, an automatic one, and the breaker. An account that was refused begins with a read, at once.
create function facteur.resume(p_account text, p_act jsonb) returns text
    language plpgsql as $$
declare
    b facteur.budgets;
begin
    perform set_config('lock_timeout', '5s', true);
    select * into b from facteur.budgets where key = 'account:' || p_account for update;
    if b.key is null or not facteur.paused(b) and not b.probing and b.recovery is null then
        perform facteur.refuse_unknown_account(p_account);
        perform facteur.refuse(format('Account %s is not paused.', p_account));
    end if;
    update facteur.budgets set held_until = null, held_by = null, held_why = null, paused_until = null, pause_reason = null,
        probing = false, failures = 0, recovery = case when b.recovery is not null then 'read' end,
        refusals = 0, refused_at = null, deposits_at = null, deposits_wait = null
    where key = b.key;
    update facteur.submissions set due_at = facteur.now() where id in ( -- what this pause put off
        select id from facteur.submissions where account = p_account and state in ('pending', 'in_doubt') and queued_at is null and due_at > facteur.now()
          and last_error_code = b.pause_reason and coalesce(lease_until, '-infinity') <= facteur.now() order by id for update skip locked);
    perform facteur.log_operation(p_act, p_account, null, null, jsonb_build_object('held_by', b.held_by, 'pause_reason', b.pause_reason));
    return format('Account %s goes on.', p_account);
end $$;

-- Forget which platform and client an account deposits with: the next deposit that is accepted, or may have been, says it anew.
-- Doubts that the old client left cannot be looked up with another one.
create function facteur.repin(p_account text, p_act jsonb, out pin jsonb, out doubts text[])
    language plpgsql as $$
begin
    perform set_config('lock_timeout', '5s', true);
    select i.pins -> p_account into pin from facteur.installation i for update;
    if pin is null then
        perform facteur.refuse_unknown_account(p_account);
        perform facteur.refuse(format('Account %s has no pin: its next deposit sets one.', p_account));
    end if;
    update facteur.installation set pins = pins - p_account;
    doubts := array(
        select distinct s.invoice_id from facteur.submissions s, facteur.doubtful_attempts(s.invoice_id) a
        where s.account = p_account and s.state in ('in_doubt', 'sending') and a.outcome is distinct from 'accepted' and a.platform = pin
        order by s.invoice_id);
    perform facteur.log_operation(p_act, p_account, null, null, jsonb_build_object('pin', pin, 'doubts', cardinality(doubts)));
end $$;

-- Old rows that a person may submit on purpose: nothing was ever opened for them, they are not ready, and say nothing, not even the
-- id of a deposit that another connector made. As a query:
-- $1 since, $2 until (null: for ever), $3 account (null: any), $4 after this key (null: from the first), $5 how many.
create function facteur.backlog_query() returns text
    language plpgsql stable as $$
begin
    if facteur.source_column('technical_status') = 'null' then
        perform facteur.refuse('The view facteur.invoice_source does not show technical_status: old rows cannot be told from others. facteur init --add-columns adds it.');
    end if;
    return format($q$
        select s.invoice_id::text as key, nullif(btrim(%2$s::text), '') as invoice_number, %4$s::date as issue_date, %5$s::numeric as total,
               coalesce(nullif(btrim(%6$s::text), ''), 'no currency') as currency,
               nullif(btrim(%7$s::text), '') is not null or %8$s is not null as has_document,
               coalesce(left(regexp_replace(%3$s::text, '\s', '', 'g'), 9) ~ '^[0-9]{9}$', false) as has_seller
        from facteur.invoice_source s
        where %4$s::date >= $1 and ($2 is null or %4$s::date <= $2) and %9$s is null and nullif(btrim(%11$s::text), '') is null and not coalesce(s.ready::boolean, false)
          and ($3 is null or coalesce(nullif(btrim(%10$s::text), ''), 'default') = $3)
          and ($4 is null or s.invoice_id operator(pg_catalog.>) $4::%1$s)
          and not exists (select from facteur.submissions l where l.invoice_id = s.invoice_id::text)
        order by s.invoice_id limit $5
        $q$, facteur.key_type(), facteur.source_column('invoice_number'), facteur.source_column('seller_siren'),
        facteur.source_column('issue_date'), facteur.source_column('total'), facteur.source_column('currency'),
        facteur.source_column('document_uri'), facteur.source_column('document'), facteur.source_column('technical_status'),
        facteur.source_column('account'), facteur.source_column('submission_id'));
end $$;

-- Rows that would become ready by themselves if submit_from were lowered: it is lowered, looked at, and put back.
create function facteur.made_ready_by(p_since date) returns text[]
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    before constant date := (select submit_from from facteur.installation);
    ids text[];
begin
    perform set_config('lock_timeout', '5s', true);
    begin
        update facteur.installation set submit_from = p_since where submit_from is null or submit_from > p_since;
        if found then
            execute format('select array_agg(s.invoice_id::text) from facteur.invoice_source s where s.ready and ($1 is null or %s::date < $1) '
                           'and not exists (select from facteur.submissions l where l.invoice_id = s.invoice_id::text and l.state not in '
                           '(''rejected'', ''failed''))', facteur.source_column('issue_date')) into ids using before;
        end if;
        raise 'looked' using errcode = 'FR002';
    exception when sqlstate 'FR002' then
        null;
    end;
    return coalesce(ids, '{}');
end $$;

-- Let invoices be ready from an earlier day on. Rows that say pending already would become ready by that alone: refused, unless
-- they are meant too (p_include); then they are noted. With the owner's rights: recorded, whoever calls it.
create function facteur.lower_submit_from(p_since date, p_include boolean, p_act jsonb) returns date
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    ids constant text[] := facteur.made_ready_by(p_since);
    before date;
begin
    select submit_from into before from facteur.installation for update;
    if before <= p_since then
        return before;
    end if;
    if cardinality(ids) > 0 and not p_include then
        perform facteur.refuse(format('%s rows say pending already and would be deposited by submit_from %s alone, whatever the filter: give '
                                      '--include-pending where that is meant, or set their technical_status to null.', cardinality(ids), p_since));
    end if;
    -- a row that was written meanwhile may have been judged by the later day: the relay's next run looks for such rows
    update facteur.installation set submit_from = p_since, forgotten_checked_at = '-infinity';
    perform facteur.note(array(select unnest(ids[portion:portion + 999]))) from generate_series(1, cardinality(ids), 1000) portion;
    perform facteur.log_operation(p_act, null, null, null,
                                  jsonb_build_object('submit_from', p_since, 'before', before, 'also_ready', cardinality(ids)));
    return before;
end $$;

-- Which of these are ready, or would be from that day on? submit_from is lowered, looked at, and put back.
create function facteur.ready_from(p_since date, p_ids text[]) returns text[]
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    ready_ids text[];
begin
    begin
        update facteur.installation set submit_from = p_since where submit_from is null or submit_from > p_since;
        ready_ids := array(select i.invoice_id from facteur.read_invoices(p_ids, 0) i where i.ready);
        raise 'looked' using errcode = 'FR002';
    exception when sqlstate 'FR002' then
        null;
    end;
    return ready_ids;
end $$;

-- What runs the company's own code with the owner's rights, functions in her view and deferred triggers, lets it find what it finds
-- for the owner; but nobody's temporary tables, types or functions come first.
do $$
declare
    path constant text := coalesce(nullif(current_setting('facteur.path', true), ''), concat_ws(', ', 'pg_catalog', (select string_agg(quote_ident(s), ', ') from unnest(current_schemas(false)) s), 'pg_temp'));
begin
    execute 'alter function facteur.settle_constraints() set search_path = ' || path;
    execute 'alter function facteur.made_ready_by(date) set search_path = ' || path;
    execute 'alter function facteur.ready_from(date, text[]) set search_path = ' || path;
    -- the reading of her view: the worker's own path is pg_catalog alone
    execute 'alter function facteur.read_invoices(text[], integer) set search_path = ' || path;
    execute 'alter function facteur.read_document(text, integer, integer) set search_path = ' || path;
    execute 'alter function facteur.document_sha256(text) set search_path = ' || path;
    execute 'alter function facteur.compare_written(text, text, text) set search_path = ' || path;
    execute 'alter function facteur.note_forgotten(boolean) set search_path = ' || path;
    execute 'alter function facteur.count_not_ready() set search_path = ' || path;
end $$;

-- Which of these would be ready if their rows said pending? They are written, looked at, and put back: a draft stays as it is.
-- With p_since as if invoices were ready from that day on; apply has lowered it by then.
create function facteur.ready_if_pending(p_ids text[], p_since date) returns text[]
    language plpgsql as $$
declare
    each_id text;
    ready_ids text[];
begin
    begin
        foreach each_id in array p_ids loop
            perform facteur.write_row(each_id, 'pending');
        end loop;
        ready_ids := facteur.ready_from(p_since, p_ids);
        raise 'looked' using errcode = 'FR002';
    exception when sqlstate 'FR002' then
        null;
    end;
    return ready_ids;
end $$;

-- What submit_backlog would set to pending in the same portion, by the same look. Changes nothing.
create function facteur.preview_backlog(p_since date, p_until date, p_account text, p_after text, p_limit integer) returns jsonb
    language plpgsql as $$
declare
    ids text[];
    answer jsonb;
begin
    perform set_config('lock_timeout', '5s', true);
    execute 'select array_agg(key) from (' || facteur.backlog_query() || ') old' into ids using p_since, p_until, p_account, p_after, p_limit;
    if ids is null and p_after is null then
        perform facteur.refuse_unknown_account(p_account);
    end if;
    execute format($q$
        with old as materialized (
            select o.*, coalesce(invoice_number, key) as name, key = any ($6) as fits, row_number() over () as place from (%s) o
        )
        select jsonb_build_object(
            'invoices', count(*) filter (where fits), 'skipped', count(*) filter (where not fits),
            'without_document', count(*) filter (where not has_document),
            'without_number', count(*) filter (where fits and invoice_number is null),
            'without_seller', count(*) filter (where fits and not has_seller),
            'first', (array_agg(name order by place) filter (where fits))[1],
            'last', (array_agg(name order by place desc) filter (where fits))[1],
            'totals', (select coalesce(jsonb_object_agg(currency, total::text), '{}')
                       from (select currency, coalesce(sum(total), 0) as total from old where fits group by currency) sums))
        from old $q$, facteur.backlog_query())
    into answer using p_since, p_until, p_account, p_after, p_limit, facteur.ready_if_pending(coalesce(ids, '{}'), p_since);
    return answer || jsonb_build_object(
        'submit_from', (select submit_from from facteur.installation), 'after', ids[cardinality(ids)],
        'also_ready', case when p_after is null then cardinality(facteur.made_ready_by(p_since)) else 0 end);
end $$;

-- Set a portion of old rows to pending, by the company's own function: those that become ready by it, and no others. The next
-- portion begins after `last`; null: there are no more.
create function facteur.submit_backlog(p_since date, p_until date, p_account text, p_after text, p_limit integer, p_act jsonb,
                                       out submitted integer, out skipped integer, out last text)
    language plpgsql as $$
declare
    ids text[];
    ready_ids text[];
    each_id text;
begin
    perform set_config('lock_timeout', '5s', true);
    execute 'select array_agg(key) from (' || facteur.backlog_query() || ') old' into ids using p_since, p_until, p_account, p_after, p_limit;
    submitted := 0; skipped := 0;
    if ids is null then
        return;
    end if;
    ready_ids := facteur.ready_if_pending(ids, null);
    foreach each_id in array ready_ids loop
        perform facteur.write_row(each_id, 'pending');
    end loop;
    perform facteur.note(ready_ids);
    last := ids[cardinality(ids)];
    submitted := cardinality(ready_ids);
    skipped := cardinality(ids) - submitted;
    perform facteur.log_operation(p_act, p_account, null, null,
                                  jsonb_build_object('since', p_since, 'until', p_until, 'after', p_after, 'last', last,
                                                     'submitted', submitted, 'skipped', skipped));
end $$;
