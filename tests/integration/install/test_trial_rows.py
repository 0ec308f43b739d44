"""Tables on which a trial's end is not obvious: without a key, with partitions that rows move between, with triggers that write again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest
from psycopg2.extras import NamedTupleCursor

from facteur.postgres.database import Database
from local.trial.journal import Journal, Line, OccupiedError
from tests.installations import install
from tests.operator import Operator
from tests.rows import Rows

ALSO_ON_DEBIAN = True

COLUMNS = """
    id bigint {identity}, day date not null default '2026-10-20', number text, siren text default '732829320',
    total numeric(12, 2) default 12.50, state text default 'done', technical_status text,
    submission_id text, note text, version integer not null default 1
"""
TABLE = "create schema shop; create table shop.invoice (" + COLUMNS + "{more}){partitioned};"
ROWS = "insert into shop.invoice (id, number) {overriding} select n, 'N-' || n from generate_series(1, 3) n;"
PLAIN = TABLE.format(identity="primary key", more="", partitioned="") + ROWS.format(overriding="")
KEYLESS = TABLE.format(identity="", more="", partitioned="") + ROWS.format(overriding="")
PARTITIONED = (
    TABLE.format(identity="", more=", primary key (id, day)", partitioned=" partition by range (day)")
    + """
    create table shop.early partition of shop.invoice for values from ('2026-01-01') to ('2026-11-01');
    create table shop.late partition of shop.invoice for values from ('2026-11-01') to ('2030-01-01');
    """
    + ROWS.format(overriding="")
)
OPTIONS = (
    "--table", "shop.invoice", "--documents", "s3://documents/{id}.xml", "--column", "key=id", "--column", "date=day",
    "--column", "status=state", "--final", "done",
)  # fmt: skip
IMAGE = "select md5(string_agg(t::text, ',' order by t::text)) as image from shop.invoice t"


@dataclass(frozen=True)
class OnTrial:
    """A company's database with a trial that goes on."""

    bare: Rows
    journal: Journal
    facteur: Database
    company: Any

    def begin(self, shape: str) -> None:
        self.run(shape)
        self.journal.begin()
        install(self.bare, *OPTIONS, "--why", f"a trial ({self.journal.token})")
        self.journal.watch()

    def run(self, statement: str) -> list[Any]:
        """As the company's own application."""
        with self.company.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str) -> Any:
        return self.run(statement)[0][0]

    def write_back(self, *ids: int, status: str = "validated") -> None:
        for each in ids:
            self.facteur.rows("select facteur.write_back(%(id)s, %(s)s, 'abc', null)", {"id": str(each), "s": status})

    def put_back(self) -> dict[str, Line]:
        return {line.relation: line for line in self.journal.put_back()}

    def stays(self) -> dict[str, str]:
        """Put back; what is said of each table that is not as before."""
        return {line.relation: line.stays for line in self.journal.put_back() if line.stays}


@pytest.fixture
def trial(bare: Rows) -> Iterator[OnTrial]:
    journal, facteur, company = (
        Journal(bare.url),
        Database(lambda: {"dsn": bare.url}),
        psycopg2.connect(bare.url, cursor_factory=NamedTupleCursor),
    )
    company.autocommit = True
    yield OnTrial(bare, journal, facteur, company)
    for opened in (journal, facteur, company):
        opened.close()


def test_a_row_without_a_declared_key_is_found_by_the_one_that_the_installation_uses(trial: OnTrial) -> None:
    trial.begin(KEYLESS)

    trial.write_back(1, 2)
    trial.run("update shop.invoice set note = 'mine' where id = 1")

    assert trial.put_back()["shop.invoice"] == Line("shop.invoice", 2, 0, None)
    assert trial.value("select count(*) from shop.invoice where technical_status is null") == 3
    assert trial.value("select note from shop.invoice where id = 1") == "mine"


@pytest.mark.slow
def test_a_row_that_is_not_found_is_said(trial: OnTrial) -> None:
    """By its key, where it has one; and a key that two rows share is none."""
    trial.begin(
        KEYLESS
        + """
        create table shop.log (what text);
        create function shop.log() returns trigger language plpgsql as $$
        begin insert into shop.log values ('n' || new.id); return null; end $$;
        create trigger log after update on shop.invoice for each row when (new.note is null) execute function shop.log();
        """
    )

    trial.write_back(1, 2, 3)
    trial.run(
        "update shop.log set what = 'read' where what = 'n2'; update shop.invoice set id = 11, note = 'x' where id = 1"
    )
    trial.run("update shop.invoice set note = 'twice' where id = 2; insert into shop.invoice (id) values (2)")

    result = trial.stays()
    assert result["shop.log"] == "1 rows were not put back: it is not found, and the table has no key to know it by"
    assert (
        "1 rows were not put back (id 1): it is not found: it was deleted, or has another key by now"
        in result["shop.invoice"]
    )
    assert "1 rows were not put back (id 2): several rows have its key by now" in result["shop.invoice"]
    assert trial.value("select technical_status from shop.invoice where id = 3") is None


def test_a_row_that_moved_to_another_partition_is_put_back(trial: OnTrial) -> None:
    """Its day is part of the primary key, but the key that the mapping names is not shared."""
    trial.begin(PARTITIONED)
    before = trial.value(IMAGE)

    trial.write_back(1, 2)
    trial.run("update shop.invoice set day = '2026-12-01' where id = 1")

    assert trial.stays() == {}
    assert trial.value("select count(*) from shop.late where technical_status is null and submission_id is null") == 1
    trial.run("update shop.invoice set day = '2026-10-20' where id = 1")
    assert trial.value(IMAGE) == before


@pytest.mark.slow
def test_a_row_that_a_trigger_moved_with_the_write_back_is_moved_back(trial: OnTrial) -> None:
    trial.begin(
        PARTITIONED
        + """
        create function shop.move() returns trigger language plpgsql as $$ begin new.day := '2026-12-01'; return new; end $$;
        create trigger move before update on shop.invoice for each row execute function shop.move();
        """
    )
    before = trial.value(IMAGE)

    trial.write_back(1, 2, 1)
    assert trial.value("select count(*) from shop.late") == 2
    trial.run("alter table shop.invoice disable trigger move; update shop.invoice set note = 'mine' where id = 1")

    assert trial.stays() == {}
    assert trial.value("select note from shop.invoice where id = 1") == "mine"
    trial.run("update shop.invoice set note = null where id = 1")
    assert trial.value(IMAGE) == before


@pytest.mark.parametrize("trigger", ["a_first", "zz_last"])
def test_a_trigger_that_writes_the_same_row_again_is_undone_in_whatever_order_it_fires(
    trial: OnTrial, trigger: str
) -> None:
    """So is one that changes several rows at once, and one that takes back what was inserted."""
    trial.begin(
        PLAIN
        + f"""
        create table shop.history (id serial primary key, invoice bigint references shop.invoice, note text);
        create function shop.again() returns trigger language plpgsql as $$
        begin
            update shop.invoice set version = version + 1 where id in (new.id, 3);
            insert into shop.history (invoice) values (new.id);
            return null;
        end $$;
        create trigger {trigger} after update of technical_status on shop.invoice for each row execute function shop.again();
        create function shop.gone() returns trigger language plpgsql as $$
        begin
            update shop.history set note = 'seen' where id = new.id;
            delete from shop.history where id = new.id and id % 2 = 0;
            return null;
        end $$;
        create trigger {trigger} after insert on shop.history for each row execute function shop.gone();
        """
    )
    before = trial.value(IMAGE)

    trial.write_back(1, 2, 1)
    assert trial.value("select version from shop.invoice where id = 1") > 2
    trial.run("update shop.invoice set version = 100 where id = 2")

    assert trial.stays() == {}
    assert trial.value("select count(*) from shop.history") == 0
    assert trial.value("select version from shop.invoice where id = 2") == 100
    trial.run("update shop.invoice set version = 1 where id = 2")
    assert trial.value(IMAGE) == before


def test_a_database_that_publishes_every_table_is_put_back(trial: OnTrial) -> None:
    trial.run("create publication everything for all tables")
    trial.begin(
        PLAIN
        + """
        create table shop.log (what text);
        create function shop.log() returns trigger language plpgsql as $$
        begin insert into shop.log values ('n' || new.id); return null; end $$;
        create trigger log after update on shop.invoice for each row execute function shop.log();
        """
    )
    before = trial.value(IMAGE)

    trial.write_back(1)
    assert trial.stays() == {}

    assert trial.value(IMAGE) == before
    assert trial.value("select count(*) from shop.log") == 0
    assert trial.value("select relreplident from pg_class where oid = 'shop.log'::regclass") == "d"
    keyless = """
        select array_agg(c.relname) from pg_class c where c.relnamespace = 'facteur_trial'::regnamespace and c.relkind = 'r'
        and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
    """
    assert trial.value(keyless) is None


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ("alter table shop.invoice add column later text default 'x'", None),
        ("alter table shop.invoice drop column note", None),
        ("alter table shop.invoice alter column technical_status type varchar(20)", None),
        ("alter table shop.invoice rename column technical_status to shown", "(id 1): its column technical_status is not there any more"),
        ("alter table shop.invoice rename column id to key", "(id 1): its key id is not there any more"),
    ],
)  # fmt: skip
def test_a_table_that_is_altered_meanwhile_is_put_back_by_the_columns_that_are_there(
    trial: OnTrial, change: str, result: str | None
) -> None:
    trial.begin(PLAIN)

    trial.write_back(1)
    trial.facteur.rows("drop view facteur.invoice_source")
    trial.run(change)

    stays = trial.stays().get("shop.invoice")
    assert (result or "") in (stays or ""), stays
    assert bool(stays) == bool(result)
    if result is None or "key" not in result:
        assert trial.value("select submission_id from shop.invoice where number = 'N-1'") is None


@pytest.mark.slow
def test_what_a_later_installation_in_earnest_wrote_is_never_taken_back(trial: OnTrial) -> None:
    """A trial was killed, somebody took Facteur away and installed it again."""
    trial.begin(PLAIN)
    trial.write_back(1)
    uninstalled = Operator(trial.bare.url).run("uninstall", "--drop-data", "--force", "--yes")
    assert uninstalled.code == 0, uninstalled.err
    install(trial.bare, *OPTIONS)
    trial.write_back(2)
    before = trial.value(IMAGE)

    for refused in (trial.journal.begun, trial.journal.put_back):
        with pytest.raises(OccupiedError, match="installed in earnest since: nothing is changed"):
            refused()

    assert trial.value(IMAGE) == before
    assert trial.value("select count(*) from facteur_trial.journal") == 1
    Operator(trial.bare.url).run("uninstall", "--drop-data", "--force", "--yes")
    assert trial.stays() == {}
    assert trial.value("select technical_status from shop.invoice where id = 2") == "validated"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pin", "refused"),
    [
        ('{"provider": "iopole", "base_url": "http://127.0.0.1:4711"}', False),
        ('{"provider": "iopole", "base_url": "https://api.iopole.com"}', True),
        ('{"provider": "iopole", "base_url": "http://127.0.0.1.example.com"}', True),
        ('{"provider": "iopole"}', True),
    ],
)
def test_a_trials_own_installation_that_deposits_with_a_platform_by_now_is_in_earnest(
    trial: OnTrial, pin: str, refused: bool
) -> None:
    trial.begin(PLAIN)
    trial.run(f"insert into facteur.accounts (name, pin) values ('default', '{pin}')")

    def outcome(ask: Callable[[], object]) -> bool:
        try:
            ask()
        except OccupiedError:
            return True
        return False

    assert outcome(trial.journal.begun) is refused
    assert outcome(trial.journal.put_back) is refused


@pytest.mark.slow
def test_an_installation_that_was_taken_away_and_installed_again_is_another(trial: OnTrial) -> None:
    """Its data was kept, and with it the trial's token."""
    trial.begin(PLAIN)
    assert Operator(trial.bare.url).run("uninstall", "--yes").code == 0
    install(trial.bare, *OPTIONS)

    with pytest.raises(OccupiedError, match="installed in earnest since"):
        trial.journal.begun()


def until_nobody_holds_a_lock(trial: OnTrial) -> None:
    """A server notices a closed connection when it looks."""
    deadline = time.monotonic() + 10
    while trial.bare.value("select count(*) from pg_locks where locktype = 'advisory'"):
        assert time.monotonic() < deadline, "the lock of a closed connection stays"


def test_a_second_trial_on_the_same_database_is_refused(trial: OnTrial) -> None:
    trial.journal.claim()
    second = Journal(trial.bare.url)

    with pytest.raises(OccupiedError, match="another trial runs on this database"):
        second.claim()

    trial.journal.close()
    until_nobody_holds_a_lock(trial)
    second.claim()
    second.close()


def test_what_another_trial_has_begun_since_is_not_taken_back(trial: OnTrial) -> None:
    """A trial that lost its database lost its lock as well."""
    trial.begin(PLAIN)
    token = trial.journal.token
    trial.journal.put_back()
    assert Operator(trial.bare.url).run("uninstall", "--drop-data", "--force", "--yes").code == 0
    trial.journal.end()
    trial.journal.begin()

    with pytest.raises(OccupiedError, match="another trial was begun"):
        trial.journal.put_back(token)

    trial.journal.end()
    with pytest.raises(OccupiedError, match="another trial was begun"):
        trial.journal.put_back(token)


def test_a_role_that_may_create_nothing_is_reported_so(trial: OnTrial) -> None:
    trial.run("drop role if exists visitor; create role visitor login")
    visitor = Journal(trial.bare.url.replace("//app@", "//visitor@"))

    with pytest.raises(OccupiedError, match="visitor may create no schema here"):
        visitor.begin()

    visitor.close()
    trial.run("drop role visitor")
