-- A connection may be deleted: its number is not given out again, and its name stands in what it did.
-- since: 0016

CREATE TABLE removed_connection (
    directory INTEGER NOT NULL REFERENCES directory (id),
    id        INTEGER PRIMARY KEY,
    name      TEXT    NOT NULL,
    removed   INTEGER NOT NULL
) STRICT;

CREATE INDEX removed_connection_of ON removed_connection (directory, id);
