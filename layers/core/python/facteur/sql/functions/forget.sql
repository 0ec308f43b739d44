-- Personal data of invoices long over. Run by the owner, in one transaction. Locks: the submissions that are over, by id.

-- What stands in place of words that were forgotten, where it counts that there were some: such a row shows an error.
create or replace function facteur.forgotten() returns text
    language sql immutable parallel safe as $$
    select '(forgotten)'
$$;

-- Blanks the words of people and platforms about invoices whose every submission ended before p_before: what the platform answered,
-- said, and what of it became an error's text. Ids, numbers, hashes, codes and times stay: with them a later row of the same
-- invoice is still recognised, and never deposited again. Leaves an act in facteur.operations. Run by the schema's owner.
create or replace function facteur.forget_personal_data(p_before date, p_why text,
        out attempts_blanked bigint, out statuses_blanked bigint, out errors_blanked bigint, out unmatched_deleted bigint)
    language plpgsql as $$
begin
    if p_before is null or p_before > facteur.now()::date then
        raise 'p_before must be a day that is over: nothing of what is still under way is forgotten' using errcode = 'invalid_parameter_value';
    end if;
    perform set_config('lock_timeout', '10s', true);
    update facteur.attempts a set response = null, message = null
    where coalesce(a.ended_at, a.started_at) < p_before and (a.response is not null or a.message is not null)
      and facteur.all_over(a.invoice_id, p_before);
    get diagnostics attempts_blanked = row_count;
    update facteur.status_events e set raw = null, message = null
    from facteur.submissions s
    where s.id = e.submission_id and s.finalized_at < p_before and (e.raw is not null or e.message is not null)
      and facteur.all_over(s.invoice_id, p_before);
    get diagnostics statuses_blanked = row_count;
    update facteur.submissions s set last_error_message = null, write_back_error = null,
        objection = case when s.objection is not null then facteur.forgotten() end,
        mismatch = case when s.mismatch is not null then facteur.forgotten() end
    where s.finalized_at < p_before
      and (coalesce(s.last_error_message, s.write_back_error) is not null or facteur.forgotten() <> any (array[s.objection, s.mismatch]))
      and facteur.all_over(s.invoice_id, p_before);
    get diagnostics errors_blanked = row_count;
    update facteur.transitions t set detail = null
    where t.at < p_before and t.detail is not null and t.invoice_id is not null and facteur.all_over(t.invoice_id, p_before);
    update facteur.changes c set error = null -- what the view raised on a row: the relay looks again, and says it anew where it still does
    where c.error is not null and c.noted_at < p_before
      and not exists (select from unnest(c.invoice_ids) id where not facteur.all_over(id, p_before));
    delete from facteur.unmatched_statuses where recorded_at < least(p_before, facteur.now() - interval '30 days');
    get diagnostics unmatched_deleted = row_count;
    insert into facteur.operations (who, why, operation, detail)
    values (session_user, p_why, 'forget_personal_data', jsonb_build_object('before', p_before, 'attempts', attempts_blanked,
            'statuses', statuses_blanked, 'errors', errors_blanked, 'unmatched_statuses', unmatched_deleted));
end $$;

-- Whether everything about this invoice had ended by then, and the company's row and history were written.
create or replace function facteur.all_over(p_invoice_id text, p_before date) returns boolean
    language plpgsql stable as $$
begin
    return not exists (select from facteur.submissions s
                       where s.invoice_id = p_invoice_id
                         and (s.finalized_at is null or s.finalized_at >= p_before or s.write_back_due_at is not null))
       and not exists (select from facteur.attempts a
                       where a.invoice_id = p_invoice_id
                         and (coalesce(a.ended_at, a.started_at) >= p_before -- a worker that died left it open; nobody works on it where all has ended
                              or a.outcome is null and exists (select from facteur.submissions s
                                                               where s.lease_token = a.lease_token and s.finalized_at is null)));
end $$;
