-- Millions of rows, as a company with many customers has after some years.
create table public.factures (
    id bigint generated always as identity primary key,
    numero varchar(20) not null,
    siren varchar(9) not null,
    date_facture date not null,
    total_ttc numeric(12, 2) not null,
    document_uri text,
    statut varchar(10) not null default 'brouillon'
);
insert into public.factures (numero, siren, date_facture, total_ttc, document_uri, statut)
select 'L' || n, '732829320', date '2020-01-01' + n % 2000, 1, 's3://documents/' || n, 'emise' from generate_series(1, {rows}) n;
analyze public.factures;
