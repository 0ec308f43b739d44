-- What a person looks at.

create view facteur.health as
select s.account, s.state, count(*) as submissions,
       count(*) filter (where s.due_at < facteur.now()) as due,
       min(s.due_at) filter (where s.due_at < facteur.now()) as oldest_due_at,
       coalesce(extract(epoch from facteur.now() - min(s.due_at) filter (where s.due_at < facteur.now())), 0)::bigint as oldest_overdue_seconds,
       count(*) filter (where s.write_back_due_at is not null) as write_backs_waiting,
       count(*) filter (where s.mismatch is not null) as mismatched,
       b.paused_until, b.pause_reason
from facteur.submissions s
left join facteur.budgets b on b.key = 'account:' || s.account and b.paused_until > facteur.now()
group by s.account, s.state, b.paused_until, b.pause_reason
order by s.account, array_position(array['failed', 'in_doubt', 'pending', 'sending', 'submitted', 'rejected', 'closed'], s.state);

-- One invoice's whole history as rows in order: select * from facteur.story where invoice_number = '…'
create view facteur.story as
select invoice_id, invoice_number, at, what, detail, submission_id, platform_id from (
    select s.invoice_id, s.invoice_number, s.created_at as at, 1 as step, 'invoice is ready' as what,
           format('submission %s of account %s', s.id, s.account) as detail, s.id as submission_id, null as platform_id
    from facteur.submissions s
    union all
    select a.invoice_id, a.invoice_number, a.started_at, 2, 'deposit attempted', format('document %s…', left(a.document_sha256, 12)), a.submission_id, null
    from facteur.attempts a
    union all
    select a.invoice_id, a.invoice_number, a.ended_at, 3, 'deposit ' || replace(a.outcome, '_', ' '),
           concat_ws(' ', a.http_status, a.code, a.message), a.submission_id, a.platform_id
    from facteur.attempts a where a.ended_at is not null
    union all
    select s.invoice_id, s.invoice_number, e.occurred_at, 4, concat(e.code, ' ', e.label), concat_ws(': ', e.reason, e.message), s.id, e.platform_id
    from facteur.status_events e join facteur.submissions s on s.id = e.submission_id
    union all
    select s.invoice_id, s.invoice_number, s.updated_at, 5, 'now ' || s.state,
           concat_ws(' ', s.last_error_code, s.last_error_message, s.mismatch, 'due ' || s.due_at, 'write-back failed: ' || s.write_back_error), s.id, s.platform_id
    from facteur.submissions s
) story
order by invoice_id, at, step;
