"""What is found in a database, what a person wishes, and what is proposed. Names that end in `quoted` are SQL, quoted by Postgres."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from facteur.install.exposure import Exposure


@dataclass(frozen=True, slots=True)
class Column:
    """A column of one of the company's tables. `kind` is the type's plain name (`int8`), `type` the whole (`character(20)`)."""

    name: str
    quoted: str
    type: str
    kind: str
    length: int | None = None  # of varchar and char
    not_null: bool = False
    has_default: bool = False
    indexed: bool = False  # some index begins with it
    values: tuple[str, ...] = ()  # known from an enum or the statistics; only of columns that may hold a status
    enum: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document, as a column's value has it (None: null), and as the table that it refers to names it."""

    value: str | None
    label: str | None
    documents: int | None  # None: not counted


@dataclass(frozen=True, slots=True)
class KindColumn:
    """A column that says what kind of document a row is, and which of its kinds a person has named as invoices."""

    name: str
    quoted: str
    kind: str  # of the column's type
    kinds: tuple[Kind, ...]
    named: tuple[str | None, ...] | None = None  # None: nobody has said

    def answered(self, named: tuple[str | None, ...]) -> KindColumn:
        return replace(self, named=named)


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key of one column."""

    column: str
    table: str  # schema.name
    target: str


@dataclass(frozen=True, slots=True)
class Table:
    """An ordinary or partitioned table. Sizes are Postgres' own estimates."""

    name: str  # schema.name, as one types it
    quoted: str
    partitions: int
    partitioned: bool
    owned: bool  # the role may install a trigger
    rows: int
    bytes: int
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    references: tuple[Reference, ...] = ()
    triggers: tuple[str, ...] = ()  # the company's own, on insert or update

    def column(self, name: str) -> Column | None:
        return next((each for each in self.columns if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Found:
    """A database, as its catalogue shows it."""

    tables: tuple[Table, ...]
    mapped: bool  # facteur.invoice_source exists
    submissions: int
    source: str | None  # the table that they are of
    own_tables: tuple[str, ...]  # made by Facteur, not by the company
    may_create: bool
    role: str
    search_path: tuple[str, ...]  # quoted
    source_key: str | None = None  # the column that submissions are known by
    exposures: tuple[Exposure, ...] = ()  # of the schemas on the path, and of every table
    of_all_tables: tuple[str, ...] = ()  # publications that also send whatever table comes later
    published: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # table -> publications that send it

    def table(self, name: str) -> Table | None:
        return next((each for each in self.tables if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person says about the mapping; what is not said is found."""

    table: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)  # part of an invoice -> column
    documents: str | None = None  # s3://bucket/{id}.xml
    final: tuple[str, ...] = ()  # values of the status that mean: finished
    seller: str | None = None
    add_columns: bool = False
    mapping: str | None = None  # SQL that a person has edited
    watch: tuple[str, ...] = ()  # schema.table:column
    replace: bool = False
    kinds: tuple[str, ...] = ()  # of documents that are invoices: value, or column=value, several by commas
    where: str | None = None  # a condition of the company's own


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for a part of an invoice."""

    part: str
    chosen: str


@dataclass(frozen=True, slots=True)
class Step:
    """A statement (the migrations' is empty), and what it means for everybody else.

    `lock` is Postgres' name of it, None where no table of the company's is locked.
    """

    what: str
    statement: str
    lock: str | None
    on: tuple[str, ...]
    blocks: str
    lasts: str
    added: tuple[Mapping[str, str], ...] = ()  # what it adds to the company's tables, to be remembered


@dataclass(frozen=True, slots=True)
class Sample:
    """A row of the company's: whether it would be deposited once it is issued on the first day or later, and nothing of its content."""

    id: str
    number: str | None
    status: str | None
    kind: str | None
    goes: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that installing would do, in one transaction: the steps, and the triggers last of all.

    Where columns are added, the table is locked from then on, and nobody should wait for a count: then it follows the transaction.
    """

    table: str
    rows: int
    bytes: int
    choices: tuple[Choice, ...]
    mapping: str
    steps: tuple[Step, ...]
    count: Step
    counts_first: bool
    triggers: tuple[Step, ...]
    remarks: tuple[str, ...]
    key: str  # the column by which invoices are known from then on
    kinds: tuple[KindColumn, ...]
    left_out: tuple[str, ...]  # kinds that were seen and are no invoices
    wrong_kinds: str | None  # a query that finds ready rows of a kind that was not named
    sampling: str | None  # a query that finds rows that would go, and rows that would not


@dataclass(frozen=True, slots=True)
class Sanity:
    """What the mapping shows. Counts are None where the table is too large to be read in time."""

    rows: int | None
    ready: int | None
    ready_too_early: int | None  # issued before the first day: must be none
    ready_without_number_or_seller: int | None


@dataclass(frozen=True, slots=True)
class Question:
    """Which kinds of documents are invoices? Nothing is installed without an answer."""

    table: str
    columns: tuple[KindColumn, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Initialised:
    """The answer of `init`. `sanity` is None where nothing was applied, `plan` where `question` has to be answered first."""

    plan: Plan | None
    applied: bool
    sanity: Sanity | None
    samples: tuple[Sample, ...] = ()
    question: Question | None = None


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """The answer of `uninstall`: the statements, and whether they ran."""

    statements: tuple[str, ...]
    kept: tuple[str, ...]
    open_submissions: int
    forgotten: int  # submissions that go with the schema: nothing but the rows then says what was deposited
    forgotten_deposits: int  # of these, what a platform has
    done: bool
    recorded: str  # by whom, and why
