-- A table partitioned by month of issue: the date is part of its key.
create schema sales;
create table sales.invoices (
    id bigint generated always as identity,
    issue_date date not null,
    invoice_number varchar(30) not null,
    seller_siret char(14) not null,
    total_ttc numeric(12, 2),
    currency char(3) default 'EUR',
    document_url text,
    status text not null default 'draft',
    primary key (id, issue_date)
) partition by range (issue_date);
create table sales.invoices_2025 partition of sales.invoices for values from ('2025-01-01') to ('2026-01-01');
create table sales.invoices_2026 partition of sales.invoices for values from ('2026-01-01') to ('2027-01-01')
    partition by range (issue_date);
create table sales.invoices_2026_first partition of sales.invoices_2026 for values from ('2026-01-01') to ('2026-07-01');
create table sales.invoices_2026_second partition of sales.invoices_2026 for values from ('2026-07-01') to ('2027-01-01');
insert into sales.invoices (issue_date, invoice_number, seller_siret, total_ttc, document_url, status)
select date '2025-02-01' + n, 'P-' || n, '73282932000074', n, 's3://documents/old.pdf', 'final' from generate_series(1, 600) n;
