-- An application of the field (github.com/fbonnafous31/eInvoicing) as far as its facts matter here: one table holds standard,
-- deposit and final invoices, credit notes and quotes, all of which are finished by the same status.
create schema invoicing;
create table invoicing.sellers (
    id serial primary key,
    legal_name varchar(255) not null,
    legal_identifier varchar(50) not null check (legal_identifier ~ '^\d{14}$'),
    company_type varchar(50) not null default 'MICRO'
);
create table invoicing.clients (id serial primary key, legal_name varchar(255), is_company bool not null default true);
create table invoicing.invoices (
    id serial primary key,
    invoice_number char(20) not null,
    issue_date date not null,
    supply_date date,
    currency char(3) default 'EUR',
    contract_number varchar(100),
    seller_id integer not null references invoicing.sellers (id),
    client_id integer references invoicing.clients (id) on delete set null,
    seller_legal_name varchar(255) not null default 'Lavoie',
    subtotal numeric(14, 2),
    total_taxes numeric(14, 2),
    total numeric(14, 2),
    payment_method varchar(50),
    status varchar(20) default 'draft',
    created_at timestamp default now(),
    fiscal_year integer not null default 2026 check (fiscal_year between 2000 and 2100),
    technical_status varchar(20) default 'pending',
    submission_id varchar(50),
    last_technical_update timestamp default now(),
    business_status varchar(50) default 'pending',
    invoice_type varchar(20) not null default 'standard',
    original_invoice_number char(20),
    original_quote_number varchar(50)
);
create unique index on invoicing.invoices (seller_id, fiscal_year, invoice_number);
create table invoicing.invoice_status (
    id serial primary key,
    invoice_id integer not null references invoicing.invoices (id) on delete cascade,
    status_code integer not null,
    status_label varchar(100) not null,
    created_at timestamp not null default now()
);
create index on invoicing.invoice_status (invoice_id);
create function invoicing.prevent_delete_non_draft() returns trigger language plpgsql as $$
begin
    if old.status <> 'draft' then
        raise exception 'only drafts may be deleted';
    end if;
    return old;
end $$;
create trigger prevent_delete_non_draft before delete on invoicing.invoices
    for each row execute function invoicing.prevent_delete_non_draft();
insert into invoicing.sellers (legal_name, legal_identifier) values ('Lavoie', '73282932000074');
insert into invoicing.clients (legal_name) values ('Garnier');
insert into invoicing.invoices (invoice_number, issue_date, seller_id, client_id, total, status, invoice_type, technical_status)
select upper(left(kind, 1)) || '-2026-' || n, date '2026-06-01' + n, 1, 1, 10 * n, case when n % 4 = 0 then 'draft' else 'final' end, kind, null
from generate_series(1, 40) n, unnest(array['standard', 'deposit', 'final', 'credit_note', 'quote']) kind
where n <= case kind when 'standard' then 40 when 'quote' then 12 else 4 end;
analyze invoicing.invoices;
