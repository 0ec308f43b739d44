-- The schema that the mission comes from: an application of several years, documents in object storage.
create schema invoicing;
create table invoicing.sellers (
    id serial primary key,
    name varchar(200) not null,
    legal_identifier varchar(14) not null -- SIRET
);
create table invoicing.invoices (
    id serial primary key,
    seller_id integer not null references invoicing.sellers (id),
    invoice_number char(20) not null unique,
    created_at timestamptz not null default now(),
    total_amount numeric(12, 2) not null default 0,
    status varchar(20) not null default 'draft',
    technical_status varchar(20) default 'pending',
    submission_id varchar(50),
    business_status varchar(50),
    last_technical_update timestamptz
);
create table invoicing.invoice_status (
    id serial primary key,
    invoice_id integer not null references invoicing.invoices (id),
    status_code {code_type} not null,
    status_label varchar(40),
    client_comment text,
    created_at timestamptz not null default now()
);
create index on invoicing.invoice_status (invoice_id);
create function invoicing.prevent_delete() returns trigger language plpgsql as $$
begin
    raise exception 'invoices are kept for ten years';
end $$;
create trigger prevent_invoice_delete before delete on invoicing.invoices
    for each row execute function invoicing.prevent_delete();
insert into invoicing.sellers (name, legal_identifier) values ('Lavoie', '73282932000074');
insert into invoicing.invoices (seller_id, invoice_number, created_at, total_amount, status)
select 1, 'F-2024-' || n, timestamptz '2024-01-01' + n * interval '1 hour', n, 'final' from generate_series(1, 300) n;
analyze invoicing.invoices;
