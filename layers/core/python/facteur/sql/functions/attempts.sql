-- What was sent, what became of it, and whose a deposit is: everything that a look-up is judged by. Reads only, but close_attempt,
-- which writes the attempt of a row that its caller holds.

-- Attempts of an invoice that may have deposited something nobody holds yet: of unknown outcome, or accepted under an id that
-- no rejected submission of it accounts for.
create or replace function facteur.doubtful_attempts(p_invoice_id text) returns setof facteur.attempts
    language sql stable as $$
    select a.* from facteur.attempts a
    where a.invoice_id = p_invoice_id
      and (a.outcome is null or a.outcome in ('unknown', 'not_found')
           or a.outcome = 'accepted' and not exists (
               select from facteur.submissions s
               where s.invoice_id = a.invoice_id and s.platform_id = a.platform_id and facteur.same_client(a.platform, s.client)
                 and s.state = 'rejected'))
$$;

-- The key of an invoice's latest doubtful attempt with these bytes: what is sent again carries it again, whichever submission sends it.
-- A corrected document is another one. Null: there is none.
create or replace function facteur.doubtful_key(p_invoice_id text, p_sha256 text) returns text
    language sql stable as $$
    select a.own_key from facteur.doubtful_attempts(p_invoice_id) a
    where a.own_key is not null and a.document_sha256 = p_sha256 order by a.id desc limit 1
$$;

-- Whether the platform accepted others of the account and seller at about the time at which a call was not answered, and left no other
-- one of the account unanswered.
create or replace function facteur.answered_others(a facteur.attempts) returns boolean
    language sql stable as $$
    select exists (
        select from facteur.attempts o
        where o.account = a.account and o.seller_siren = a.seller_siren and o.outcome = 'accepted' and o.submission_id <> a.submission_id
          and o.started_at between a.started_at - interval '10 minutes' and a.started_at + interval '10 minutes')
    and not exists (
        select from facteur.attempts o
        where o.account = a.account and o.outcome in ('unknown', 'not_found') and o.http_status is null and o.submission_id <> a.submission_id
          and o.started_at between a.started_at - interval '10 minutes' and a.started_at + interval '10 minutes')
$$;

-- An answer of unknown meaning that a submission met three times, words that hold a digit apart; null: none. Silence is one where
-- others were answered meanwhile: it is this invoice's.
create or replace function facteur.repeated_answer(p_submission_id bigint) returns text
    language sql stable as $$
    select max(a.message) from facteur.attempts a
    where a.submission_id = p_submission_id and a.outcome in ('unknown', 'not_found')
      and (a.http_status is not null or a.code <> 'lease_expired' and facteur.answered_others(a))
    group by a.http_status, a.code, regexp_replace(a.message, '[^[:space:]]*[0-9][^[:space:]]*', '#', 'g')
    having count(*) >= 3 limit 1
$$;

-- Whether a deposit is a client's, stands as the platform's good one, and has another number than these.
create or replace function facteur.stands(a facteur.attempts, p_client jsonb, p_numbers text[]) returns boolean
    language sql stable as $$
    select a.invoice_number is not null and (a.number_read or a.own_key is not null) and (a.platform = p_client or p_client is null) and facteur.plain(a.invoice_number) <> all (p_numbers)
       and exists (select from facteur.submissions s
                   where s.platform_id = a.platform_id and s.account = a.account and facteur.same_client(a.platform, s.client)
                     and s.state in ('submitted', 'closed'))
$$;

-- Deposits of a client and seller that stand, three at most: those that a look-up was shown before, then the newest of those that
-- search should show by now, then the newest. What it does not show beside one of them, it does not show at all.
create or replace function facteur.witnesses(p_account text, p_seller text, p_client jsonb, p_numbers text[])
    returns table (platform_id text, invoice_number text, own_key text)
    language sql stable as $$
    with standing as (
        select a.*, names.account as name
        from unnest(facteur.names_of_client(p_account)) names(account)
        cross join lateral (
            (select a.*, 1 as rank from facteur.attempts a
             where a.account = names.account and a.seller_siren = p_seller and a.witnessed_at is not null and a.outcome = 'accepted'
               and facteur.stands(a, p_client, p_numbers)
             order by a.witnessed_at desc limit 2)
            union all
            (select a.*, 2 from facteur.attempts a
             where a.account = names.account and a.seller_siren = p_seller and a.outcome = 'accepted'
               and a.started_at < facteur.now() - interval '1 hour' and facteur.stands(a, p_client, p_numbers)
             order by a.started_at desc limit 3)
            union all
            (select a.*, 3 from facteur.attempts a
             where a.account = names.account and a.seller_siren = p_seller and a.outcome = 'accepted'
               and facteur.stands(a, p_client, p_numbers)
             order by a.started_at desc limit 3)
        ) a
    )
    select s.platform_id, min(s.invoice_number), min(s.own_key) from standing s
    group by s.platform_id order by min(s.rank), max(s.witnessed_at) desc nulls last, max(s.started_at) desc limit 3
$$;

create or replace function facteur.in_json(a facteur.attempts) returns jsonb
    language sql stable as $$
    select jsonb_build_object('attempt_id', a.id, 'started_at', a.started_at, 'outcome', coalesce(a.outcome, 'unknown'),
        'document_sha256', a.document_sha256, 'invoice_number', a.invoice_number, 'seller_siren', a.seller_siren,
        'total', a.total::text, 'currency', a.currency, 'platform_id', a.platform_id, 'own_key', a.own_key,
        'number_read', a.number_read)
$$;

-- The newest deposit of a client and seller with a key of ours that was answered before an instant: whatever a platform has drawn an id
-- for since has a later one.
create or replace function facteur.deposit_before(p_account text, p_seller text, p_client jsonb, p_at timestamptz) returns text
    language sql stable as $$
    select a.platform_id
    from unnest(facteur.names_of_client(p_account)) names(account)
    cross join lateral (
        select w.* from facteur.attempts w
        where w.account = names.account and w.seller_siren = p_seller and w.outcome = 'accepted' and w.started_at < p_at and w.ended_at <= p_at
          and w.own_key is not null and (w.platform = p_client or p_client is null)
        order by w.started_at desc limit 1) a
    order by a.started_at desc limit 1
$$;

-- Everything a look-up needs. Attempts that the platform called duplicates say what to search for; rivals are other invoices'
-- attempts with the same client and number whose outcome is unknown as well.
create or replace function facteur.read_doubt(p_submission_id bigint)
    returns table (invoice_id text, empty_lookups integer, doubt_seconds double precision, waited_seconds double precision,
                   duplicate_verdict boolean, now timestamptz, clock jsonb, attempts jsonb, rivals jsonb, witnesses jsonb,
                   repeated_answer text, excused_seconds double precision, earlier text)
    language plpgsql stable as $$
declare
    s constant facteur.submissions := (select w from facteur.submissions w where w.id = p_submission_id);
    own constant facteur.attempts[] := array(
        select made from (select a as made from facteur.doubtful_attempts(s.invoice_id) a
                          union all
                          select d from facteur.attempts d where d.invoice_id = s.invoice_id and d.outcome = 'duplicate') attempts
        order by (made).started_at, (made).id);
    numbers constant text[] := array(select distinct facteur.plain(a.invoice_number) from unnest(own) a where a.invoice_number is not null);
    client constant jsonb := (select a.platform from unnest(own) a where a.platform is not null order by a.id desc limit 1);
    seller constant text := (select a.seller_siren from unnest(own) a where a.seller_siren is not null order by a.id desc limit 1);
begin
    return query select s.invoice_id, s.empty_lookups, extract(epoch from facteur.now() - s.doubt_since)::double precision,
        extract(epoch from s.waited)::double precision, s.duplicate_verdict, facteur.now(),
        case when (s.doubt_clock ->> 'of')::timestamptz = s.doubt_since then s.doubt_clock end,
        (select coalesce(jsonb_agg(facteur.in_json(a) order by a.started_at, a.id), '[]') from unnest(own) a),
        (select coalesce(jsonb_agg(facteur.in_json(r)), '[]') from facteur.attempts r
         where facteur.plain(r.invoice_number) = any (numbers) and r.invoice_id <> s.invoice_id
           and (r.outcome is null or r.outcome in ('unknown', 'not_found')) and (r.platform = client or r.platform is null or client is null)),
        (select coalesce(jsonb_agg(to_jsonb(w)), '[]') from facteur.witnesses(s.account, seller, client, numbers) w),
        facteur.repeated_answer(s.id), extract(epoch from s.excused)::double precision,
        facteur.deposit_before(s.account, seller, client, (select min(a.started_at) from unnest(own) a));
end $$;

-- Whether the platform refused a submission's deposit. One that a person rejected may stand there.
create or replace function facteur.refused(s facteur.submissions) returns boolean
    language sql immutable parallel safe as $$
    select s.state = 'rejected' and s.last_error_code is distinct from 'rejected_by_person'
$$;

-- Whether a person rejected the deposit that an attempt made: the one that his submission had, or another one of the invoice.
create or replace function facteur.is_rejected_by_person(a facteur.attempts) returns boolean
    language sql stable as $$
    select a.outcome = 'duplicate' and a.code = 'rejected_by_person' or a.outcome = 'accepted' and exists (
        select from facteur.submissions r
        where r.platform_id = a.platform_id and r.invoice_id = a.invoice_id and facteur.same_client(a.platform, r.client)
          and r.state = 'rejected' and not facteur.refused(r))
$$;

-- Whether a submission's deposit has its id from where an attempt has its own: of one client, and where either does not say whose it is, of
-- one account under whatever name. With no attempt: anybody's.
create or replace function facteur.shares_ids(s facteur.submissions, a facteur.attempts) returns boolean
    language sql stable as $$
    select coalesce(md5(a.platform::text) = s.client, a.account is null or s.account = any (facteur.names_of_client(a.account)))
$$;

-- Which of these deposits are taken: by another invoice, or by a submission of this one that the platform rejected; and what was
-- sent there, under which numbers. Ids are the client's: another client's deposit of the same id is another deposit.
create or replace function facteur.holders(p_invoice_id text, p_platform_ids text[])
    returns table (platform_id text, invoice_id text, refused boolean, sent text[], numbers text[])
    language plpgsql stable as $$
declare
    own facteur.attempts;
begin
    select a.* into own from facteur.attempts a where a.invoice_id = p_invoice_id order by a.platform is null, a.id desc limit 1;
    return query
    select taken.platform_id, coalesce(min(taken.invoice_id) filter (where taken.invoice_id <> p_invoice_id), p_invoice_id), bool_or(taken.refused),
           coalesce(array_agg(distinct taken.sent) filter (where taken.sent is not null), '{}'),
           coalesce(array_agg(distinct taken.number) filter (where taken.number is not null), '{}')
    from (
        select a.platform_id, a.invoice_id, a.outcome in ('duplicate', 'rejected') as refused, a.document_sha256 as sent, a.invoice_number as number
        from facteur.attempts a
        where a.platform_id = any (p_platform_ids) and (a.invoice_id <> p_invoice_id or a.outcome in ('duplicate', 'rejected'))
          and (a.platform = own.platform or a.platform is null or own.platform is null)
        union all
        select s.platform_id, s.invoice_id, facteur.refused(s), s.document_sha256, s.invoice_number from facteur.submissions s
        where s.platform_id = any (p_platform_ids) and (s.invoice_id <> p_invoice_id or facteur.refused(s))
          and facteur.shares_ids(s, own)
    ) taken group by taken.platform_id;
end $$;

-- Attempts of other invoices that sent one of these documents, whatever became of them: whose document it is does not depend on that.
create or replace function facteur.senders(p_invoice_id text, p_sha256s text[]) returns setof jsonb
    language sql stable as $$
    select facteur.in_json(a) from facteur.attempts a where a.document_sha256 = any (p_sha256s) and a.invoice_id <> p_invoice_id
$$;

create or replace function facteur.taken_elsewhere(p_invoice_id text, p_platform_ids text[]) returns text[]
    language sql stable as $$
    select coalesce(array_agg(h.platform_id), '{}') from facteur.holders(p_invoice_id, p_platform_ids) h
$$;

-- The row whose deposit has an id, where it is another than the attempt's: another invoice's, or one of its own that was refused.
-- Ids are the client's: of an attempt that does not say whose it is, anybody's.
create or replace function facteur.holder_of(p_attempt facteur.attempts, p_invoice_id text, p_platform_id text) returns text
    language sql stable as $$
    select h.invoice_id from (
        select k.invoice_id from facteur.attempts k
        where k.platform_id = p_platform_id and k.id is distinct from p_attempt.id
          and (k.platform = p_attempt.platform or k.platform is null or p_attempt.platform is null)
          and (k.invoice_id <> p_invoice_id or k.outcome in ('rejected', 'duplicate'))
        union all
        select w.invoice_id from facteur.submissions w
        where w.platform_id = p_platform_id and facteur.shares_ids(w, p_attempt)
          and (w.invoice_id <> p_invoice_id or w.state = 'rejected')) h
    limit 1
$$;

-- Store what became of an attempt. An answer may come late, after its lease was lost: it is stored all the same, also beside
-- another deposit that was taken for this attempt's meanwhile. That its worker does not know either adds nothing to look-ups that did not
-- find it, for nothing leaves after a lease has ended; but what was not sent again yet is looked up once more.
create or replace function facteur.close_attempt(p_attempt jsonb) returns void
    language plpgsql as $$
begin
    update facteur.attempts set
        outcome = case when outcome = 'not_found' and p_attempt ->> 'outcome' = 'unknown' and not exists (
                           select from facteur.submissions p where p.invoice_id = attempts.invoice_id and p.state = 'pending')
                       then outcome else p_attempt ->> 'outcome' end,
        ended_at = facteur.now(), http_status = (p_attempt ->> 'http_status')::integer,
        code = p_attempt ->> 'code', message = p_attempt ->> 'message', platform_id = p_attempt ->> 'platform_id',
        response = p_attempt ->> 'response'
    where id = (p_attempt ->> 'id')::bigint and (outcome is null or outcome in ('unknown', 'not_found'));
    if not found and p_attempt ->> 'outcome' = 'accepted' then
        insert into facteur.attempts (submission_id, invoice_id, account, lease_token, ended_at, outcome, http_status, message,
                                      platform_id, document_sha256, invoice_number, seller_siren, total, currency, platform, own_key, response, number_read)
        select a.submission_id, a.invoice_id, a.account, a.lease_token, facteur.now(), 'accepted',
               (p_attempt ->> 'http_status')::integer, p_attempt ->> 'message', p_attempt ->> 'platform_id', a.document_sha256,
               a.invoice_number, a.seller_siren, a.total, a.currency, a.platform, a.own_key, p_attempt ->> 'response', a.number_read
        from facteur.attempts a where a.id = (p_attempt ->> 'id')::bigint and not exists (
            select from facteur.attempts k where k.platform_id = p_attempt ->> 'platform_id' and k.invoice_id = a.invoice_id);
    end if;
end $$;
