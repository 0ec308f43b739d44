-- From a ready row to a submission: at most one that lives per invoice, in doubt from the beginning where an earlier attempt is.
-- Locks: none but the new rows; a unique index decides between two relays.

-- Something that sets a row back to pending after every verdict must not spend the whole budget: from the fourth time in a day
-- on, each waits for longer.
create or replace function facteur.repeat_pause(p_invoice_id text) returns interval
    language sql stable as $$
    select case when count(*) < 3 then interval '0' else least(interval '1 hour', interval '5 seconds' * power(2, least(count(*), 12))) end
    from facteur.submissions where invoice_id = p_invoice_id and finalized_at > facteur.now() - interval '1 day'
$$;

-- What each of these rows is judged to be: beside it its latest submission, what of it may have been deposited, and what it lacks.
-- A doubt stays with the account that it arose with; anything else goes to the one that the row's account is routed to now. A row that
-- asks for another invoice than the one sent for it (its key was used again, its number changed) is a mismatch.
create or replace function facteur.judgements(p_ids text[]) returns setof facteur.judgement
    language sql stable as $$
    with shown as materialized (
        select * from facteur.read_invoices(p_ids, 0)
    ), routes as materialized (
        select named.account as name, facteur.routed(named.account, facteur.now()) as account
        from (select distinct account from shown) named
    ), source as materialized (
        select i.invoice_id, i.ready, r.account, i.invoice_number, i.seller_siren, i.issue_date, i.total, i.currency,
               facteur.word(i.technical_status) as technical_status, i.submission_id as shown_deposit
        from shown i join routes r on r.name = i.account
    ), latest as materialized (
        select distinct on (s.invoice_id) s.* from facteur.submissions s
        where s.invoice_id = any (p_ids) order by s.invoice_id, s.state in ('rejected', 'failed'), s.id desc -- a late answer revives an older one
    )
    select i.*, l.id, l.state, l.platform_id, l.write_back_due_at, l.mismatch, coalesce(l.state not in ('rejected', 'failed'), false),
           d.id is not null, coalesce(d.account, i.account),
           case when not i.ready then l.mismatch
                when sent.invoice_number is not null
                     and (i.invoice_number, i.seller_siren) is distinct from (sent.invoice_number, sent.seller_siren)
                then facteur.mismatch_in_words(i.invoice_number, i.seller_siren, sent.invoice_number, sent.seller_siren)
                when l.state in ('submitted', 'closed') then l.objection end
    from source i left join latest l on l.invoice_id = i.invoice_id
    left join lateral (
        select a.* from facteur.doubtful_attempts(i.invoice_id) a
        order by a.platform_id = l.platform_id desc nulls last, a.id desc limit 1
    ) d on true
    cross join lateral ( -- what was sent, not what the row asked for when its submission was opened
        select coalesce(d.invoice_number, o.invoice_number) as invoice_number, coalesce(d.seller_siren, o.seller_siren) as seller_siren
        from (select case when l.state in ('sending', 'in_doubt', 'submitted', 'closed') then l.invoice_number end as invoice_number,
                 l.seller_siren) o
    ) sent
$$;

-- A ready row without a live submission gets one, in doubt from the start where an earlier attempt's outcome is unknown. How many did.
create or replace function facteur.open_new(p_judged facteur.judgement[]) returns integer
    language sql as $$
    insert into facteur.budgets (key) select distinct 'account:' || account from unnest(p_judged) where ready on conflict do nothing;
    with inserted as (
        insert into facteur.submissions (invoice_id, account, state, due_at, doubt_since,
                                         invoice_number, seller_siren, issue_date, total, currency, mismatch)
        select invoice_id, spender, case when doubtful then 'in_doubt' else 'pending' end,
               facteur.now() + facteur.repeat_pause(invoice_id), case when doubtful then facteur.now() end, invoice_number, seller_siren, issue_date, total, currency,
               case when doubtful then mismatch end
        from unnest(p_judged) where ready and not live and write_back_due_at is null
        order by invoice_id -- two relays that wait for each other's rows do so in one order
        on conflict (invoice_id) where state not in ('rejected', 'failed') do nothing
        returning 1
    )
    select count(*)::integer from inserted
$$;

-- A row that was corrected, or routed elsewhere, while nothing was sent: `tries` makes what was read before stale. Which these are.
create or replace function facteur.correct_pending(p_judged facteur.judgement[]) returns bigint[]
    language sql as $$
    with moved as (
        update facteur.submissions s set account = case when j.doubtful then s.account else j.account end,
            due_at = case when s.account <> j.account and not j.doubtful then facteur.now() else s.due_at end, queued_at = null,
            tries = s.tries + 1, invoice_number = j.invoice_number, seller_siren = j.seller_siren, mismatch = j.mismatch
        from unnest(p_judged) j
        where s.id = j.latest_id and s.id = any (array(select latest_id from unnest(p_judged))) and s.state = 'pending' and j.ready
          and (s.account <> j.account and not j.doubtful
               or s.queued_at is not null -- somebody may have read it already
               or (s.invoice_number, s.seller_siren) is distinct from (j.invoice_number, j.seller_siren))
        returning s.id
    )
    select coalesce(array_agg(id), '{}') from moved
$$;

-- Where a row shows another status than it was given, or another deposit than the invoice has (an ORM saved a stale row), it is written
-- again; but a row that is taken back before anything was sent is its owner's, and "pending" after a final verdict means: once more.
create or replace function facteur.write_again(p_judged facteur.judgement[], p_but bigint[]) returns integer
    language sql as $$
    with view as materialized (
        select facteur.source_column('technical_status') <> 'null' as shows_status, facteur.source_column('submission_id') <> 'null' as shows_deposit
    ), written_again as (
        update facteur.submissions s set write_back_due_at = coalesce(s.write_back_due_at, facteur.now()),
            mismatch = case when j.live then j.mismatch else s.mismatch end
        from view, unnest(p_judged) j
        where s.id = j.latest_id and s.id = any (array(select latest_id from unnest(p_judged))) -- lest a planner read them all
          and s.id <> all (p_but)
          and (j.live and s.mismatch is distinct from j.mismatch
               or s.write_back_due_at is null
                  and case when j.latest_state = 'pending' then j.doubtful
                           else j.live or j.technical_status in ('validated', 'rejected', 'error') end
                  and (case when shows_status then j.technical_status is distinct from facteur.shown_status(j.latest_state, j.mismatch)
                            else j.ready and facteur.technical_status(j.latest_state) <> 'pending' end
                       or shows_deposit and j.live and j.deposit is not null and not facteur.same_deposit(j.shown_deposit, j.deposit)))
        returning 1
    )
    select count(*)::integer from written_again
$$;

-- Judge noted invoices, and act on it. New mismatches are counted, for such a row is shown an error; so are keys that the view does not show.
create or replace function facteur.open_submissions(p_ids text[], out opened integer, out repeated integer, out mismatched integer,
                                         out not_shown integer)
    language plpgsql as $$
declare
    judged constant facteur.judgement[] := array(select j from facteur.judgements(p_ids) j);
    too_early constant text[] := array(select invoice_id from unnest(judged) where ready and not live and write_back_due_at is not null);
begin
    opened := facteur.open_new(judged);
    repeated := facteur.write_again(judged, facteur.correct_pending(judged));
    select count(*) filter (where mismatch is not null and case when live then known_mismatch is null and latest_state <> 'pending'
                                                                else ready and doubtful and write_back_due_at is null end)
    into mismatched from unnest(judged);
    not_shown := (select count(*) from unnest(p_ids) key where key <> all (array(select invoice_id from unnest(judged))));
    -- "pending" in the row means nothing before the last verdict has been written there
    perform facteur.note(too_early, facteur.now() + interval '1 minute', 'the last verdict is not yet written back');
end $$;

-- Judge them all, and where the company's view raises, halve until the key that raises stands alone: it becomes a note of its own.
create or replace function facteur.judge(p_ids text[],
                              out opened integer, out repeated integer, out mismatched integer, out broken integer, out not_shown integer)
    language plpgsql as $$
declare
    half constant integer := cardinality(p_ids) / 2;
    began constant timestamptz := clock_timestamp();
begin
    select o.opened, o.repeated, o.mismatched, 0, o.not_shown into opened, repeated, mismatched, broken, not_shown
    from facteur.open_submissions(p_ids) o;
exception when others or assert_failure or query_canceled then -- a statement's timeout strikes once
    if half = 0 or sqlstate = '55P03' and clock_timestamp() - began > interval '1 second' then -- somebody holds the table, not a row
        perform facteur.note(p_ids, facteur.now() + case when sqlstate = '55P03' then interval '1 minute' else interval '5 minutes' end,
                             sqlstate || ': ' || sqlerrm);
        opened := 0; repeated := 0; mismatched := 0; broken := cardinality(p_ids); not_shown := 0;
    else
        select sum(j.opened), sum(j.repeated), sum(j.mismatched), sum(j.broken), sum(j.not_shown)
        into opened, repeated, mismatched, broken, not_shown
        from (select * from facteur.judge(p_ids[:half])
              union all select * from facteur.judge(p_ids[half + 1:])) j;
    end if;
end $$;

-- Whether a trigger of the company's has answered a final verdict with another invoice: the row is ready under a number of its own.
create or replace function facteur.asks_anew(s facteur.submissions) returns boolean
    language sql stable as $$
    select s.state in ('rejected', 'failed') and exists (
        select from facteur.read_row(s.invoice_id) l where (l.shown).ready and facteur.plain((l.shown).invoice_number) <> facteur.plain(s.invoice_number))
$$;
