-- What happened to a submission, noted where it happens: triggers write a row for each change of its state or reason, of an attempt's
-- outcome, of what the company's row was given or did not take, of an objection, and of its account's pauses. No statement can go past
-- them, and nothing that was noted is ever rewritten (words apart that facteur.forget_personal_data blanks). Locks: none.

-- The person whose act this transaction is; null: it is nobody's.
create or replace function facteur.acting() returns text
    language sql stable as $$
    select nullif(current_setting('facteur.who', true), '')
$$;

-- Submissions were opened: many in one statement of the relay's.
create or replace function facteur.track_opened() returns trigger
    language plpgsql as $$
begin
    insert into facteur.transitions (subject, submission_id, invoice_id, account, to_state, by_whom)
    select 'submission', o.id, o.invoice_id, o.account, o.state, facteur.acting() from opened o;
    return null;
end $$;

-- A submission was moved, or withdrawn. That it is being sent is not noted, its attempt is; nor is a retry that came to the same.
create or replace function facteur.track_submission() returns trigger
    language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        insert into facteur.transitions (subject, submission_id, invoice_id, account, from_state, to_state, by_whom)
        values ('submission', old.id, old.invoice_id, old.account, old.state, 'withdrawn', facteur.acting());
    elsif new.state <> 'sending' and not (old.state = 'sending' and facteur.noted_last(new)) then
        insert into facteur.transitions (subject, submission_id, invoice_id, account, from_state, to_state, reason, detail, platform_id, by_whom)
        values ('submission', new.id, new.invoice_id, new.account, old.state, new.state, new.last_error_code, new.last_error_message, new.platform_id, facteur.acting());
    end if;
    return null;
end $$;

-- Whether this state and reason are what was noted of a submission last.
create or replace function facteur.noted_last(s facteur.submissions) returns boolean
    language sql stable as $$
    select coalesce((select (t.to_state, t.reason) is not distinct from (s.state, s.last_error_code) from facteur.transitions t
                     where t.invoice_id = s.invoice_id and t.submission_id = s.id and t.subject = 'submission' order by t.id desc limit 1), false)
$$;

-- What the company's row was given, what it did not take, and why it shows an error although its deposit stands.
create or replace function facteur.track_row() returns trigger
    language plpgsql as $$
begin
    insert into facteur.transitions (subject, submission_id, invoice_id, account, from_state, to_state, reason, detail, platform_id, by_whom)
    select change.subject, new.id, new.invoice_id, new.account, change.before, change.after, change.reason, change.detail, new.platform_id, facteur.acting()
    from (
        select 'write_back' as subject, old.written_status as before, new.written_status as after, null as reason, null as detail
        where old.written_status <> new.written_status
        union all
        select 'write_back', old.written_status, 'not taken', split_part(new.write_back_error, ':', 1), null -- its words may quote the row
        where new.write_back_error is not null and split_part(new.write_back_error, ':', 1) is distinct from split_part(old.write_back_error, ':', 1)
        union all
        select 'objection', null, case when new.mismatch is not null then 'raised' else 'settled' end,
               coalesce(new.objection_code, old.objection_code, 'mismatch'), coalesce(new.mismatch, old.mismatch)
        where old.mismatch is distinct from new.mismatch and new.mismatch is distinct from facteur.forgotten()
    ) change;
    return null;
end $$;

-- An attempt's outcome, and what became of it later: that it was not found, or found after all.
create or replace function facteur.track_attempt() returns trigger
    language plpgsql as $$
begin
    insert into facteur.transitions (subject, submission_id, invoice_id, account, attempt_id, from_state, to_state, reason, detail, platform_id, by_whom)
    values ('attempt', new.submission_id, new.invoice_id, new.account, new.id, case when tg_op = 'UPDATE' then old.outcome end, new.outcome, new.code,
            new.message, new.platform_id, facteur.acting());
    return null;
end $$;

-- An account waits, by itself or by a person, or goes on.
create or replace function facteur.track_pause() returns trigger
    language plpgsql as $$
begin
    insert into facteur.transitions (subject, account, from_state, to_state, reason, by_whom)
    select 'account', substr(new.key, 9), case when coalesce(old.hold_why, old.pause_reason) is null then 'open' else 'paused' end,
           case when coalesce(new.hold_why, new.pause_reason) is null then 'open' else 'paused' end,
           case when new.hold_why is not null then 'hold' else new.pause_reason end, coalesce(new.hold_by, facteur.acting())
    where new.key like 'account:%';
    return null;
end $$;

-- Made once: putting a trigger in place anew would lock its table at each deploy.
do $$
begin
    if exists (select from pg_trigger where tgrelid = 'facteur.submissions'::regclass and tgname = 'track_opened') then
        return;
    end if;
    create trigger track_opened after insert on facteur.submissions
        referencing new table as opened for each statement execute function facteur.track_opened();
    create trigger track_withdrawn after delete on facteur.submissions
        for each row execute function facteur.track_submission();
    create trigger track_moved after update of state, last_error_code on facteur.submissions
        for each row when (old.state <> new.state or old.last_error_code is distinct from new.last_error_code)
        execute function facteur.track_submission();
    create trigger track_row after update of written_status, write_back_error, mismatch on facteur.submissions
        for each row when (old.written_status <> new.written_status or old.mismatch is distinct from new.mismatch
                           or new.write_back_error is not null and old.write_back_error is distinct from new.write_back_error)
        execute function facteur.track_row();
    create trigger track_attempt after insert on facteur.attempts
        for each row when (new.outcome is not null) execute function facteur.track_attempt();
    create trigger track_outcome after update of outcome on facteur.attempts
        for each row when (old.outcome is distinct from new.outcome and new.outcome is not null) execute function facteur.track_attempt();
    create trigger track_hold after insert on facteur.budgets
        for each row when (new.hold_why is not null or new.pause_reason is not null) execute function facteur.track_pause();
    create trigger track_pause after update of pause_reason, hold_why on facteur.budgets
        for each row when (old.pause_reason is distinct from new.pause_reason or old.hold_why is distinct from new.hold_why)
        execute function facteur.track_pause();
end $$;
