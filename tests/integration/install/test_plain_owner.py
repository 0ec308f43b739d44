"""The schema's owner as a DBA makes one: no superuser, beside another application whose schema he may not even look into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from facteur.install.migrate import migrate
from facteur.postgres.database import Database
from local.simulator.core.control import Simulator
from local.world.aws import Aws
from local.world.levers import World, built_world
from local.world.postgres import WORKER, as_worker
from tests.operator import Operator
from tests.rows import Rows

ALSO_ON_DEBIAN = True

OWNER, STRANGER = "facteur_plain_owner", "facteur_django"
ROLES = f"""
do $$ begin create role {OWNER} login; exception when duplicate_object then null; end $$;
do $$ begin create role {STRANGER} login; exception when duplicate_object then null; end $$;
"""
# As Django makes every foreign key.
DJANGO = f"""
create schema django authorization {STRANGER};
create table django.node (
    id int primary key, parent int constraint node_parent_fk references django.node deferrable initially deferred,
    place int constraint node_place unique deferrable);
alter table django.node owner to {STRANGER};
"""


@pytest.fixture
def plain_url(template: str, bare: Rows) -> str:
    """An empty database of a role that is no superuser, with a schema of another application's in it."""
    assert template  # the worker's role is there, and looks for names in pg_catalog alone
    bare.run(ROLES)
    bare.run(f"alter database {urlsplit(bare.url).path[1:]} owner to {OWNER}")
    bare.run(DJANGO)
    return bare.url.replace("//app@", f"//{OWNER}@")


@pytest.fixture
def owned(plain_url: str) -> Iterator[Rows]:
    """The same, with the default table and everything of ours."""
    database = Database(lambda: {"dsn": plain_url})
    migrate(database, worker_role=WORKER)
    levers = Rows(plain_url, database)
    yield levers
    levers.close()


@pytest.fixture
def world(
    owned: Rows, simulator: Simulator, aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    with built_world(owned.url, simulator, aws, tmp_path, monkeypatch.setenv) as built:
        yield built


def test_an_invoice_goes_all_the_way(world: World) -> None:
    assert not world.database.row("select rolsuper from pg_roles where rolname = current_user").rolsuper

    world.add(1)
    world.deposit()
    world.poll()

    assert len(world.deposits(1)) == 1
    assert world.row(1).technical_status == "validated"
    assert world.submission(1).write_back_error is None


def test_a_row_that_a_trigger_refused_is_written_again(world: World) -> None:
    world.database.rows(
        "create function public.refuse() returns trigger language plpgsql as $$ begin raise 'not today'; end $$"
    )
    world.database.rows(
        "create constraint trigger refuse after update on invoicing.invoices deferrable initially deferred "
        "for each row execute function public.refuse()"
    )  # fmt: skip
    world.add(1)
    world.deposit()
    assert "not today" in world.submission(1).write_back_error

    world.database.rows("drop trigger refuse on invoicing.invoices")
    world.advance(3600)
    world.relay()

    assert world.row(1).technical_status == "validated"
    assert len(world.deposits(1)) == 1


@pytest.mark.slow
def test_a_person_retries_a_rejected_one_and_it_goes(world: World, owned: Rows) -> None:
    world.add(1)
    world.relay()
    owned.reach(str(world.ids[1]), "rejected")
    assert world.row(1).technical_status == "rejected"

    result = Operator(as_worker(owned.url)).run("retry", f"id:{world.ids[1]}", "--yes", "--why", "it is corrected")
    world.deposit()

    assert result.code == 0, result.err
    assert world.row(1).technical_status == "validated"


def test_another_migration_finds_no_fault(owned: Rows) -> None:
    owned.finish()
    owned.look()

    assert migrate(owned.database).faults == ()


def test_init_on_a_table_beside_another_applications_schema(plain_url: str) -> None:
    connection = psycopg2.connect(plain_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
    connection.close()

    result = Operator(plain_url).run(
        "init", "--table", "shop.invoices", "--final", "final", "--apply", "--yes", "--submit-from", "2026-01-01"
    )

    assert result.code == 0, result.err


@pytest.mark.parametrize("role", [OWNER, WORKER])
def test_what_the_owner_may_not_name_is_left_to_the_commit_and_what_he_may_is_settled_now(
    bare: Rows, owned: Rows, role: str
) -> None:
    """A trigger of the company's with rights of its own writes into a schema that the owner may not look into."""
    bare.run("insert into django.node values (1, null, 1)")
    bare.run(
        "create function public.say() returns trigger language plpgsql security definer as "
        "$$ begin insert into django.node values (2, case when tg_argv[0] = 'right' then 1 else 7 end, 2); return null; end $$"
    )
    bare.run("create trigger say after update on invoicing.invoices for each row execute function public.say('right')")
    invoice = owned.noted()
    connection = psycopg2.connect(owned.url.replace(f"//{OWNER}@", f"//{role}@"))
    with connection.cursor() as cursor:
        cursor.execute("select facteur.write_back(%s, 'validated', 'd', null)", (invoice,))
        cursor.execute("select facteur.settle_constraints()")
    connection.commit()
    assert owned.invoice(invoice).technical_status == "validated"

    bare.run("delete from django.node where id = 2")
    bare.run(f"grant usage on schema django to {OWNER}")
    bare.run("drop trigger say on invoicing.invoices")
    bare.run("create trigger say after update on invoicing.invoices for each row execute function public.say('wrong')")
    with connection.cursor() as cursor:
        cursor.execute("select facteur.write_back(%s, 'validated', 'd', null)", (invoice,))
        with pytest.raises(psycopg2.errors.ForeignKeyViolation):
            cursor.execute("select facteur.settle_constraints()")
    connection.close()


TABLE = """
create schema shop;
create table shop.invoices (
    id varchar(20) primary key, invoice_number varchar(40), issued_on date, seller_siren varchar(20), total numeric, status varchar(20),
    document_url varchar(200), technical_status varchar(20) default 'pending', submission_id varchar(50));
insert into shop.invoices values ('A-1', 'A-1', '2026-09-01', '732829320', 1, 'final', 's3://b/f.pdf');
"""
