"""A migration only adds, and says who else can work with it; what takes away says since when it may."""

import pytest

from rosterd.store.migrate import known
from rosterd.store.postgres_migrate import known_postgres
from rosterd.store.steps import HOW, Migration, form_of

FIRST = {"sqlite": 16, "postgres": 1}
"""The newest migration of the releases that could not work beside others."""
STEPS = [("sqlite", step) for step in known()] + [("postgres", step) for step in known_postgres()]
LATER = [(engine, step) for engine, step in STEPS if step.version > FIRST[engine]]


def faults(engine: str, step: Migration) -> list[str]:
    """What keeps a migration from being run beside servers of the release before."""
    forms = [(text, form_of(text)[0]) for text in step.statements()]
    found = [f"nobody knows what it locks: {text}" for text, form in forms if form is None]
    if not step.contracts:
        found += [f"takes away: {text}" for text, form in forms if form is not None and not form.adds]
        if step.since >= step.version:
            found.append("says not who else can work with it: '-- since: ...'")
    if step.since > step.version or step.since < FIRST[engine]:
        found.append(f"no release is meant by since {step.since}")
    if step.run not in HOW or (step.run, engine) == ("concurrently", "sqlite"):
        found.append(f"it cannot be run as {step.run}")
    if step.run == "concurrently":
        again = ("CREATE INDEX CONCURRENTLY IF NOT EXISTS", "DROP INDEX CONCURRENTLY IF EXISTS")
        found += [f"cannot be begun again: {text}" for text, _ in forms if not text.startswith(again)]
    elif any(" CONCURRENTLY " in text for text, _ in forms):
        found.append("CONCURRENTLY is not for transactions")
    if step.run == "portions":
        found += [f"never ends: {text}" for text, _ in forms if " LIMIT " not in text]
    return found


@pytest.mark.parametrize(("engine", "step"), LATER, ids=lambda value: getattr(value, "title", value))
def test_a_migration_can_be_run_beside_the_release_before(engine: str, step: Migration) -> None:
    assert faults(engine, step) == []


S = "-- since: 0016\n"
CASES = [
    (f"{S}CREATE TABLE a (x);", ""),
    (f"{S}CREATE UNLOGGED TABLE a (x);\nCREATE INDEX b ON a (x);", ""),
    (f"{S}ALTER TABLE a ADD COLUMN x BIGINT;", ""),
    (f"{S}ALTER TABLE a ADD COLUMN x TEXT COLLATE \"C\" NOT NULL DEFAULT 'no';", ""),
    (f"{S}-- run: concurrently\nCREATE INDEX CONCURRENTLY IF NOT EXISTS b ON a (x);", ""),
    (f"{S}-- run: portions\nUPDATE a SET x = 1 WHERE y IN (SELECT y FROM a WHERE x IS NULL LIMIT 9);", ""),  # noqa: S608
    ("-- since: 0018\n-- contract\nALTER TABLE a DROP COLUMN x;", ""),
    ("-- since: 0020\n-- contract\nDROP TABLE a;", ""),
    ("CREATE TABLE a (x);", "says not who else"),
    ("-- since: 0021\n-- contract\nDROP TABLE a;", "no release is meant"),
    ("-- since: 0000\nCREATE TABLE a (x);", "no release is meant"),
    (f"{S}DROP TABLE a;", "takes away"),
    (f"{S}DELETE FROM a;", "takes away"),  # noqa: S608
    (f"{S}ALTER TABLE a RENAME COLUMN x TO y;", "takes away"),
    (f"{S}ALTER TABLE a ALTER COLUMN x TYPE TEXT;", "takes away"),
    (f"{S}ALTER TABLE a ADD COLUMN x BIGINT NOT NULL;", "takes away"),
    (f"{S}ALTER TABLE a ADD COLUMN x BIGINT NOT NULL DEFAULT random();", "takes away"),
    (f"{S}ALTER TABLE a ADD COLUMN x BIGINT GENERATED ALWAYS AS (y) STORED;", "takes away"),
    (f"{S}ALTER TABLE a ADD CONSTRAINT b CHECK (x > 0);", "takes away"),
    (f"{S}ALTER TABLE a ADD COLUMN x BIGINT REFERENCES b (x);", "takes away"),
    (f"{S}ALTER TABLE a ADD COLUMN x BIGINT REFERENCES b (x) NOT NULL DEFAULT 1;", "takes away"),
    (f"{S}CREATE TABLE IF NOT EXISTS a (x BIGINT);", "nobody knows what it locks"),
    (f"{S}CREATE UNIQUE INDEX b ON a (x);", "takes away"),
    (f"{S}TRUNCATE a;", "nobody knows what it locks"),
    (f"{S}-- run: sideways\nCREATE TABLE a (x);", "cannot be run"),
    (f"{S}-- run: concurrently\nCREATE TABLE a (x);", "cannot be begun again"),
    (f"{S}-- run: portions\nUPDATE a SET x = 1;", "never ends"),
    (f"{S}CREATE INDEX CONCURRENTLY IF NOT EXISTS b ON a (x);", "not for transactions"),
]


@pytest.mark.parametrize(("text", "fault"), CASES)
def test_what_a_migration_may_say(text: str, fault: str) -> None:
    found = faults("postgres", Migration(20, "case", text + "\n"))
    assert [fault in each for each in found] == [True] * bool(fault)


LOCKS = [
    ("CREATE TABLE a (x BIGINT REFERENCES b (x));", ("b against changes of rows, for a moment",)),
    ("CREATE TABLE a (x BIGINT);\nCREATE INDEX i ON a (x);\nINSERT INTO a VALUES (1);", ()),
    ("CREATE INDEX i ON a (x);", ("a against changes of rows, until the index is made",)),
    ("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (x);", ("nothing that reads or writes",)),
    ("ALTER TABLE a ADD COLUMN x BIGINT;\nALTER TABLE a ADD COLUMN y BIGINT;", ("a wholly, for a moment",)),
    ("ALTER TABLE a ALTER COLUMN x TYPE TEXT;", ("a wholly, for as long as it takes",)),
    (
        "ALTER TABLE a ADD COLUMN x BIGINT REFERENCES b (x);",
        ("a wholly, for as long as it takes", "b wholly, for as long as it takes"),
    ),
    ("VACUUM a;", ("everything",)),
]


@pytest.mark.parametrize(("text", "locks"), LOCKS)
def test_what_a_migration_locks_is_read_from_its_statements(text: str, locks: tuple[str, ...]) -> None:
    assert Migration(20, "case", text + "\n").locks() == locks
