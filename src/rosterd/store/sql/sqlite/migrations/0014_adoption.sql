-- Users whom the application had before their identity provider came, by folded userName.
CREATE TABLE adoption (
    directory INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    PRIMARY KEY (directory, name)
) STRICT, WITHOUT ROWID;
