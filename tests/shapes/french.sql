-- uuid keys, French names, documents in the row; nothing of Facteur's columns.
create schema billing;
create type billing.statut_facture as enum ('brouillon', 'validée', 'annulée');
create table billing.customer_invoice (
    id uuid primary key default gen_random_uuid(),
    numero text not null unique,
    siren_emetteur char(9) not null,
    date_emission date not null,
    montant_ttc numeric(14, 2) not null,
    devise char(3) not null default 'EUR',
    statut billing.statut_facture not null default 'brouillon',
    pdf bytea
);
create table billing.supplier_invoice (
    id uuid primary key default gen_random_uuid(),
    numero text not null,
    siren_emetteur char(9) not null,
    date_emission date not null,
    montant_ttc numeric(14, 2) not null,
    statut text not null
);
create table billing."Ligne de facture" (id bigint primary key, facture uuid references billing.customer_invoice (id), "Libellé" text);
insert into billing.customer_invoice (numero, siren_emetteur, date_emission, montant_ttc, statut, pdf)
select 'A' || n, '732829320', date '2024-01-01' + n, n, 'validée', '%PDF-1.7' from generate_series(1, 300) n;
