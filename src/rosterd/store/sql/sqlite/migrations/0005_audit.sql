-- Administrative changes: who did what to what, and what differs. `directory` is NULL for the installation.
CREATE TABLE audit (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    directory  INTEGER REFERENCES directory (id),
    at         INTEGER NOT NULL,
    actor_kind TEXT    NOT NULL,
    actor_name TEXT    NOT NULL,
    actor_id   TEXT    NOT NULL,
    address    TEXT,
    request_id TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    target     TEXT    NOT NULL,
    data       TEXT    NOT NULL
) STRICT;

CREATE INDEX audit_of ON audit (directory, seq);
