-- What a trial's journal has to get right: an audit table without a key, rows that a trigger writes with another role's rights, a
-- partitioned table, columns that are generated or that no operator compares, triggers that are switched off or always on.
create schema shop;
create table shop.invoice (
    id bigint generated always as identity,
    day date not null,
    number char(12) not null,
    siren text not null default '732829320',
    total numeric(12, 2) not null,
    doubled numeric generated always as (total * 2) stored,
    state text not null default 'done',
    technical_status varchar(20),
    submission_id varchar(60),
    last_technical_update timestamptz,
    extra json,
    spot point,
    paid money,
    primary key (id, day)
) partition by range (day);
create table shop.invoice_2026 partition of shop.invoice for values from ('2026-01-01') to ('2026-11-01');
create table shop.invoice_later partition of shop.invoice for values from ('2026-11-01') to ('2030-01-01');
create table shop.audit (at timestamptz default clock_timestamp(), what text, "old row" json);
create table shop.audit_lines (id serial primary key, note text);
create sequence shop.loose;
create sequence shop.defaulted;
create table shop.outbox (id bigint primary key default nextval('shop.defaulted'), loose bigint, body text);
create table shop.counted (state text primary key, n integer not null);
insert into shop.counted values ('validated', 7), ('gone', 1);
create function shop.audit() returns trigger language plpgsql security definer set search_path = shop as $$
begin
    insert into audit (what, "old row") values ('changed ' || old.id, to_json(old));
    insert into audit_lines (note) values ('changed');
    insert into outbox (loose, body) values (nextval('loose'), E'a "quoted" \\ body,\nof two lines');
    update counted set n = n + 1 where state = new.technical_status;
    delete from counted where state = 'gone';
    return null;
end $$;
create trigger audit after update on shop.invoice for each row execute function shop.audit();
alter table shop.invoice enable always trigger audit;
create function shop.forbid() returns trigger language plpgsql as $$ begin raise 'rows are never deleted here'; end $$;
create trigger forbid before delete on shop.audit for each row execute function shop.forbid();
create trigger forbid before delete on shop.audit_lines for each row execute function shop.forbid();
create trigger forbid before delete on shop.outbox for each row execute function shop.forbid();
alter table shop.outbox disable trigger forbid;
alter table shop.audit_lines enable replica trigger forbid;
insert into shop.invoice (day, number, total, extra, spot, paid)
select date '2026-10-20' + n, 'N-' || n, n, '{"b":  1, "a": [2]}', point(n, 1), n::numeric::money from generate_series(1, 20) n;
insert into shop.audit_lines (note) values ('from before');
