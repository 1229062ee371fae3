-- What processes tell each other besides the data: what is left of rates, and which forms were sent.
-- since: 0016
CREATE TABLE bucket (
    directory INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    rate      INTEGER NOT NULL,
    size      INTEGER NOT NULL,
    level     INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (directory, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE form_mark (
    digest BLOB    NOT NULL PRIMARY KEY,
    used   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX form_mark_used ON form_mark (used);
