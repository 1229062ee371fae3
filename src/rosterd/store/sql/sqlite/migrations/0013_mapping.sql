-- A directory's mapping: its rules, and how far they are carried out.
CREATE TABLE mapping (
    directory INTEGER PRIMARY KEY,
    rules     TEXT    NOT NULL,
    revision  INTEGER NOT NULL,
    place     INTEGER NOT NULL,
    walk      INTEGER
) STRICT;

-- What the mapping made of a user.
CREATE TABLE projection (
    directory INTEGER NOT NULL,
    id        TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    PRIMARY KEY (directory, id)
) STRICT, WITHOUT ROWID;
