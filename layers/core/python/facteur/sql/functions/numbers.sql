-- Whether what a platform shows under a number is what we sent under it. A difference stops the rows that it is about. Locks: those rows,
-- which the caller holds already.

-- The number that a deposit was sent with.
create or replace function facteur.sent_number(s facteur.submissions) returns text
    language sql stable as $$
    select coalesce((select a.invoice_number from facteur.attempts a where a.platform_id = s.platform_id and a.invoice_id = s.invoice_id order by a.id limit 1),
                    s.invoice_number)
$$;

-- Letters and digits of ASCII, without leading zeros (p_zeros: with them): what any machine leaves of a number.
create or replace function facteur.bare_number(p_number text, p_zeros boolean) returns text
    language sql immutable parallel safe as $$
    select lower(regexp_replace(case when p_zeros then p_number else regexp_replace(p_number, '(^|[^0-9])0+(?=[0-9])', '\1', 'g') end,
                                '[^a-zA-Z0-9]', '', 'g'))
$$;

-- Whether a number is what is left of another one that was cut: sixteen letters and digits of its beginning, or more.
create or replace function facteur.is_cut_from(p_number text, p_whole text) returns boolean
    language sql immutable parallel safe as $$
    select length(number) >= 16 and starts_with(whole, number)
    from (select facteur.bare_number(p_number, true) as number, facteur.bare_number(p_whole, true) as whole) bare
$$;

-- Whether a number is another invoice's than the one that was sent: not where it is only spelled otherwise, and nobody else sent it.
create or replace function facteur.is_anothers(s facteur.submissions, p_number text) returns boolean
    language sql stable as $$
    select facteur.plain(sent.number) <> facteur.plain(p_number)
       and (facteur.bare_number(sent.number, true) <> facteur.bare_number(p_number, true)
            and facteur.bare_number(sent.number, false) <> facteur.bare_number(p_number, false)
            and not facteur.is_cut_from(p_number, sent.number)
            or exists (select from facteur.attempts a where facteur.plain(a.invoice_number) = facteur.plain(p_number) and a.invoice_id <> s.invoice_id))
    from (select facteur.sent_number(s) as number) sent
$$;

-- The first time that the platform shows an invoice number with a deposit it must be the one that was sent. True: it is another.
create or replace function facteur.check_number(s facteur.submissions, p_platform_id text, p_number text) returns boolean
    language plpgsql as $$
begin
    if p_number is null or s.platform_id is distinct from p_platform_id or s.number_seen is not null
       or not (s.state in ('submitted', 'closed') or facteur.refused(s)) then
        return false;
    end if;
    update facteur.submissions w set number_seen = p_number where w.id = s.id;
    if facteur.is_anothers(s, p_number) then
        perform facteur.stop_mistaken(array[s.id]);
        return true;
    end if;
    return false;
end $$;

-- What a look-up shows under another invoice's number says as much of our deposits as their own statuses would.
create or replace function facteur.check_shown(p_account text, p_shown jsonb) returns void
    language plpgsql as $$
begin
    perform facteur.check_number(s, s.platform_id, e ->> 'number')
    from jsonb_array_elements(p_shown) e join facteur.submissions s
      on s.platform_id = e ->> 'platform_id' and s.account = any (facteur.names_of_client(p_account)) and not facteur.is_former(s);
end $$;

-- The platform shows these deposits (number_seen) under another number than was sent. Each stops, and so does the invoice whose
-- number it is: either may have the other's id. Neither is sent again, and a person compares them.
create or replace function facteur.stop_mistaken(p_ids bigint[]) returns void
    language plpgsql as $$
declare
    it record;
begin
    for it in
        select s.id, format('The platform shows deposit %s as invoice %s, and invoice %s was sent. Compare both at the platform, then facteur adopt.',
                            s.platform_id, facteur.to_the_letter(s.number_seen), facteur.to_the_letter(facteur.sent_number(s))) as words
        from facteur.submissions s where s.id = any (p_ids)
        union all
        select o.id, format('The platform shows the deposit of another invoice, %s, under this number. Compare both at the platform, then facteur adopt.',
                            s.platform_id)
        from facteur.submissions s join facteur.submissions o
          on o.id <> s.id and o.invoice_id <> s.invoice_id and o.account = any (facteur.names_of_client(s.account)) and not facteur.is_former(o)
         and facteur.plain(o.invoice_number) = facteur.plain(s.number_seen)
        where s.id = any (p_ids) and (o.state in ('submitted', 'closed', 'pending', 'in_doubt', 'sending') or facteur.refused(o) and o.number_seen is null)
          and not exists (select from facteur.submissions l where l.invoice_id = o.invoice_id and l.id > o.id)
    loop
        perform facteur.stop_one(it.id, it.words);
    end loop;
end $$;

create or replace function facteur.stop_one(p_id bigint, p_words text) returns void
    language plpgsql as $$
declare
    s facteur.submissions;
begin
    select w.* into s from facteur.submissions w where w.id = p_id for update;
    if facteur.refused(s) then
        perform facteur.take_back_refusal(s, p_words);
    else
        perform facteur.ask(s, jsonb_build_object('code', 'shown_as_another', 'text', p_words));
    end if;
end $$;

-- What was refused is another invoice's deposit: what became of this one's own nobody knows. It may stand, so nothing that took its place
-- is sent; where nothing did, the invoice waits for a person, and is looked up first once its row says pending.
create or replace function facteur.take_back_refusal(s facteur.submissions, p_words text) returns void
    language plpgsql as $$
begin
    perform facteur.disown_deposit(s, 'shown as another');
    update facteur.submissions w set platform_id = null where w.id = s.id;
    if exists (select from facteur.submissions n where n.invoice_id = s.invoice_id and n.id > s.id) then
        perform facteur.stop_successor(s, concat_ws(' ', 'Its predecessor was rejected for a deposit that is another invoice''s: its own may stand.', p_words));
        return;
    end if;
    perform facteur.move_submission(s.id, jsonb_build_object('state', 'failed', 'error_code', 'shown_as_another', 'error_message', p_words));
    perform facteur.try_write_back(s.id);
end $$;
