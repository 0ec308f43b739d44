-- All that Facteur knows of the company's tables. Installed once, then yours: edit it freely, nothing overwrites it.

create view facteur.invoice_source as
select id as invoice_id,
       coalesce(status = 'final' and technical_status = 'pending' and document_uri is not null
                and issue_date >= (select submit_from from facteur.installation), false) as ready,
       document_uri,                  -- s3://bucket/key; or a column document (bytea)
       null::text as file_name,       -- null: the last part of document_uri
       invoice_number, seller_siren, issue_date, total, currency,
       technical_status,              -- lets Facteur see a stale row; leave it out where it is not ours
       'default' as account           -- whose credentials: the secret facteur/<account>
from invoicing.invoices;

-- With its owner's rights, so that the role of the functions needs none on your table. Triggers of yours find what they find for
-- the owner: the search path is the one of the migration.
create function facteur.write_back(invoice_id text, technical_status text, submission_id text, lifecycle_code text) returns void
    language sql security definer set search_path from current as $$
    update invoicing.invoices set technical_status = $2, submission_id = $3, last_technical_update = now() where id = $1::{key_type}
$$;

-- Fill this where the company has a history table of its own; it must be idempotent.
create function facteur.write_status(invoice_id text, code text, label text, comment text, occurred_at timestamptz) returns void
    language sql security definer set search_path from current as 'select';
