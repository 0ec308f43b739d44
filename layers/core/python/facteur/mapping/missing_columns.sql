-- For a table that already lives: what the mapping needs and the table lacks. Without a default first, so that old rows stay
-- null and no row is rewritten.
update facteur.installation set added = added || (
    select coalesce(jsonb_agg(jsonb_build_object('what', 'column', 'table', 'invoicing.invoices', 'column', wanted)), '[]')
    from unnest(array['invoice_number', 'seller_siren', 'issue_date', 'total', 'currency', 'document_uri', 'status',
                      'technical_status', 'submission_id', 'last_technical_update']) wanted
    where not exists (select from pg_attribute a where a.attrelid = 'invoicing.invoices'::regclass and a.attname = wanted
                      and not a.attisdropped));
alter table invoicing.invoices
    add column if not exists invoice_number text,
    add column if not exists seller_siren text,
    add column if not exists issue_date date,
    add column if not exists total numeric,
    add column if not exists currency text,
    add column if not exists document_uri text,
    add column if not exists status text,
    add column if not exists technical_status varchar(20),
    add column if not exists submission_id varchar(50),
    add column if not exists last_technical_update timestamptz;
-- A column that was there keeps its own default: then the application says "pending".
do $$
begin
    if not exists (
        select from pg_attribute
        where attrelid = 'invoicing.invoices'::regclass and attname = 'technical_status' and atthasdef
    ) then
        alter table invoicing.invoices alter column technical_status set default 'pending';
        update facteur.installation
        set added = added || '{"what": "default", "table": "invoicing.invoices", "column": "technical_status"}'::jsonb;
    end if;
end $$;
