-- All that Facteur knows of {table}. Proposed by `facteur init`, then yours: edit it freely, nothing overwrites it.
-- `ready` may depend only on rows that are watched, never on the time.

create view facteur.invoice_source as
select {columns}
from {table} i{join};

-- Both run with their owner's rights, so that the role of the functions needs none on your tables. Triggers of yours find what they
-- find for the owner: the search path is the one at the installation, with nobody's temporary tables first.
create function facteur.write_back(invoice_id text, technical_status text, submission_id text, lifecycle_code text) returns void
    language plpgsql security definer set search_path = {search_path} as $$
#variable_conflict use_column
begin
    {write_back}
end $$;
revoke execute on function facteur.write_back(text, text, text, text) from public;

-- Each entry of the life cycle, perhaps more than once: it must be idempotent.
create function facteur.write_status(invoice_id text, code text, label text, comment text, occurred_at timestamptz) returns void
    language plpgsql security definer set search_path = {search_path} as $$
#variable_conflict use_column
begin
    {write_status}
end $$;
revoke execute on function facteur.write_status(text, text, text, text, timestamptz) from public;
