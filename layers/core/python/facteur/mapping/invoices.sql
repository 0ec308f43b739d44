-- All that Facteur knows of the company's tables. Installed once, then yours: edit it freely, nothing overwrites it.

create view facteur.invoice_source as
select id as invoice_id,
       coalesce(status operator(pg_catalog.=) 'final'{kinds} and document_uri is not null
                and (technical_status::text operator(pg_catalog.~*) '^[\s\u00a0]*pending[\s\u00a0]*$' -- blanks and case apart
                     or technical_status is null and submission_id is null -- a draft from before the installation
                        and issue_date operator(pg_catalog.>=) (select installed_from from facteur.installation))
                and issue_date operator(pg_catalog.>=) (select submit_from from facteur.installation), false) as ready,
       document_uri,                  -- s3://bucket/key; or a column document (bytea)
       null::text as file_name,       -- null: the last part of document_uri
       invoice_number, seller_siren, issue_date, total, currency,{other_kind}
       technical_status,              -- lets Facteur see a stale row; leave it out where it is not ours
       'default' as account,          -- whose credentials: the secret facteur/<account>
       submission_id,                 -- an old row that shows one was deposited: a backlog leaves it alone
       -- What would be ready if nothing were missing: such rows are counted once a day, and ring after two days.
       coalesce(status operator(pg_catalog.=) 'final'{kinds}
                and (technical_status::text operator(pg_catalog.~*) '^[\s\u00a0]*pending[\s\u00a0]*$'
                     or technical_status is null and submission_id is null
                        and issue_date operator(pg_catalog.>=) (select installed_from from facteur.installation))
                and (issue_date is null or issue_date operator(pg_catalog.>=) (select submit_from from facteur.installation)), false) as finished
from invoicing.invoices i;

-- Both run with their owner's rights, so that the role of the functions needs none on your tables. Triggers of yours find what they
-- find for the owner: the search path is the one at the installation, with nobody's temporary tables first.
create function facteur.write_back(invoice_id text, technical_status text, submission_id text, lifecycle_code text) returns void
    language plpgsql security definer set search_path = {search_path} as $$
begin
    update invoicing.invoices i set technical_status = $2::{status_type}, submission_id = $3::{deposit_type},
        last_technical_update = pg_catalog.now()
    where i.id operator(pg_catalog.=) $1::{key_type};
end $$;
revoke execute on function facteur.write_back(text, text, text, text) from public;

-- Fill this where the company has a history table of its own; it must be idempotent.
create function facteur.write_status(invoice_id text, code text, label text, comment text, occurred_at timestamptz) returns void
    language plpgsql security definer set search_path = {search_path} as $$
begin
    return;
end $$;
revoke execute on function facteur.write_status(text, text, text, text, timestamptz) from public;
