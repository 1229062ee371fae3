"""What a migration is, and what its text says about running it beside servers of other releases.

-- since: 0016       whoever knows the migrations up to this one can work with a database that has it
-- run: portions     how its statements are run, see ``HOW``; without the line, as one transaction
-- contract          it takes away what the releases since then do not use; without the line, it only adds

Without ``since`` only those who know the migration itself can. What a statement locks is read from a table,
which has every statement that a migration may have; so it cannot say less than is true.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType
from typing import Final

HOW: Final = MappingProxyType(
    {
        "transaction": "one transaction: done, or not done",
        "concurrently": "outside a transaction, on PostgreSQL; broken off, it is begun again",
        "portions": "each statement again and again until it changes no row, each time a transaction",
    }
)

UNFINISHED: Final = 0
"""The version of the row of a database that is being filled, which every release refuses."""
FOREIGN: Final = (
    "the database has a table schema_version that is not rosterd's; "
    "give rosterd a database or a schema of its own"
)
"""Why a database is refused in which another program notes its migrations."""

_FILE: Final = re.compile(r"(\d{4})_(\w+)\.sql")
_SAYS: Final = re.compile(r"^-- (since|run|contract)(?:: (\S+))?$", re.M)
_COMMENT: Final = re.compile(r"--.*")
_NEW_TABLE: Final = re.compile(r"CREATE\s+(?:(?:VIRTUAL|UNLOGGED)\s+)?TABLE\s+(\w+)", re.I)
_REFERENCES: Final = re.compile(r"\bREFERENCES\s+(\w+)", re.I)


class SchemaMismatch(Exception):
    """The database is none of rosterd's, or not one that this release can use."""


class NoSchema(SchemaMismatch):
    """The address of a PostgreSQL leads to no schema."""


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of statement: what it ``locks``, and whether it only ``adds`` what older releases do not see."""

    pattern: re.Pattern[str]
    locks: str
    adds: bool = True


def _form(pattern: str, locks: str, *, adds: bool = True) -> Form:
    words = pattern.replace(" ", r"\s+").replace("NAME", r"\w+").replace("TABLED", r"(?P<table>\w+)")
    return Form(re.compile(words, re.I | re.S), locks, adds)


_ROWS: Final = "{table} against changes of rows, for a moment"
_MOMENT: Final = "{table} wholly, for a moment"
_WHILE: Final = "{table} wholly, for as long as it takes"
_BUILD: Final = "{table} against changes of rows, until the index is made"
_ALONE: Final = r"(?![^;]*REFERENCES)"
_BOUND: Final = r"(?:NOT NULL|DEFAULT|GENERATED|UNIQUE|CHECK)"
_LITERAL: Final = r"(?:-?\d+|'[^']*'|NULL|TRUE|FALSE)"

FORMS: Final = (
    _form(r"CREATE (?:VIRTUAL |UNLOGGED )?TABLE (?!IF )NAME", _ROWS),
    _form(r"CREATE INDEX CONCURRENTLY IF NOT EXISTS NAME ON TABLED", "nothing that reads or writes"),
    _form(r"CREATE INDEX NAME ON TABLED", _BUILD),
    _form(r"CREATE UNIQUE INDEX NAME ON TABLED", _BUILD, adds=False),
    _form(rf"ALTER TABLE TABLED ADD COLUMN {_ALONE}NAME [^;]*?NOT NULL DEFAULT {_LITERAL};", _MOMENT),
    _form(rf"ALTER TABLE TABLED ADD COLUMN {_ALONE}(?![^;]*{_BOUND})", _MOMENT),
    _form(r"INSERT INTO TABLED", "the rows it makes"),
    _form(r"UPDATE TABLED", "the rows it changes"),
    _form(r"DELETE FROM TABLED", "the rows it takes away", adds=False),
    _form(r"DROP INDEX CONCURRENTLY IF EXISTS NAME", "nothing that reads or writes", adds=False),
    _form(r"DROP INDEX NAME", "its table wholly, for a moment", adds=False),
    _form(r"DROP TABLE TABLED", _MOMENT, adds=False),
    _form(r"ALTER TABLE TABLED (?:DROP COLUMN|RENAME) ", _MOMENT, adds=False),
    _form(r"ALTER TABLE TABLED ", _WHILE, adds=False),
)  # fmt: skip
"""The first that fits a statement is its form."""


@dataclass(frozen=True)
class Migration:
    """One step; ``version`` counts from 1."""

    version: int
    name: str
    text: str = field(repr=False)

    @property
    def title(self) -> str:
        """Number and name, as its file is called."""
        return f"{self.version:04}_{self.name}"

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return sha256(self.text.encode()).hexdigest()

    @cached_property
    def _says(self) -> Mapping[str, str]:
        return dict(_SAYS.findall(self.text))

    @property
    def since(self) -> int:
        """Whoever knows the migrations up to this one can work with a database that has the step."""
        return int(self._says.get("since", self.version))

    @property
    def run(self) -> str:
        """How it is run, one of ``HOW``."""
        return self._says.get("run", "transaction")

    @property
    def contracts(self) -> bool:
        """Whether it takes away or changes what older releases used."""
        return "contract" in self._says

    def statements(self) -> Iterator[str]:
        """Its statements without comments; each ends with a semicolon at the end of a line."""
        for part in re.split(r"(?<=;)[ \t]*(?:\n|$)", _COMMENT.sub("", self.text)):
            if part.strip():
                yield part.strip()

    def locks(self) -> tuple[str, ...]:
        """What it locks on PostgreSQL; what belongs to tables that it makes itself is left out."""
        made: set[str] = set()
        found: dict[str, None] = {}
        for statement in self.statements():
            if new := _NEW_TABLE.match(statement):
                made.add(new[1])
            form, tables = form_of(statement)
            for table in tables:
                if table not in made:
                    found["everything" if form is None else form.locks.format(table=table)] = None
        return tuple(found)


def form_of(statement: str) -> tuple[Form | None, Sequence[str]]:
    """The form of a statement, none for what no migration may do; and the tables that it locks."""
    for form in FORMS:
        if match := form.pattern.match(statement):
            named = match.groupdict()
            others = _REFERENCES.findall(statement)
            if "table" in named:
                return form, (named["table"], *others)
            return form, others if _NEW_TABLE.match(statement) else ("",)
    return None, ("",)


def read_steps(engine: str) -> tuple[Migration, ...]:
    """The migrations of this release for an engine, in order."""
    folder = files("rosterd.store").joinpath("sql", engine, "migrations")
    found = [(_FILE.fullmatch(entry.name), entry) for entry in folder.iterdir()]
    steps = [Migration(int(m[1]), m[2], entry.read_text("utf-8")) for m, entry in found if m]
    return tuple(sorted(steps, key=lambda step: step.version))


def lacking(steps: Sequence[Migration], rows: Sequence[Mapping[str, object]]) -> tuple[Migration, ...]:
    """The steps that are not among the rows of ``schema_version``.

    Raises ``SchemaMismatch`` for rows of a newer release that this one cannot work with, of another text, or
    of another program.
    """
    ours = {step.version: step for step in steps}
    newest = max(ours)
    applied = set()
    for row in rows:
        try:
            version, name, checksum = int(str(row["version"])), row["name"], row["checksum"]
        except (KeyError, ValueError) as error:
            raise SchemaMismatch(FOREIGN) from error
        if version == UNFINISHED:
            raise SchemaMismatch(
                "a copy or a restore into the database has not finished; "
                "run 'rosterd copy' or 'rosterd restore' again"
            )
        applied.add(version)
        step = ours.get(version)
        if step is None:
            since = int(str(row.get("since") or version))
            if since > newest:
                raise SchemaMismatch(
                    f"the database is of a newer release: migration {version:04} '{name}' is for those "
                    f"that know {since:04}, this one knows up to {newest:04}; use that release"
                )
        elif checksum != step.checksum:
            raise SchemaMismatch(f"migration {version:04} '{name}' of the database is not the one known here")
    return tuple(step for step in steps if step.version not in applied)


def refuse_older(missing: Sequence[Migration]) -> None:
    """Raise ``SchemaMismatch`` if there are migrations to apply before this release can work."""
    if missing:
        names = ", ".join(step.name for step in missing)
        raise SchemaMismatch(f"the database is of an older release; run 'rosterd migrate' for: {names}")
