-- Administrators of the console, set-up links, the sessions of both, and log-ins that failed.
CREATE TABLE administrator (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    folded     TEXT    NOT NULL UNIQUE,
    role       TEXT    NOT NULL,
    directory  INTEGER REFERENCES directory (id),
    password   TEXT,
    issuer     TEXT,
    subject    TEXT,
    created    INTEGER NOT NULL,
    disabled   INTEGER,
    last_login INTEGER,
    revision   INTEGER NOT NULL,
    UNIQUE (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE setup_link (
    id         TEXT    NOT NULL PRIMARY KEY,
    directory  INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    digest     BLOB    NOT NULL,
    label      TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    last_used  INTEGER,
    revoked    INTEGER,
    FOREIGN KEY (directory, connection) REFERENCES connection (directory, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX setup_link_of ON setup_link (directory, connection, created);

CREATE TABLE session (
    digest        BLOB    NOT NULL PRIMARY KEY,
    id            TEXT    NOT NULL UNIQUE,
    administrator TEXT    REFERENCES administrator (id) ON DELETE CASCADE,
    setup_link    TEXT    REFERENCES setup_link (id) ON DELETE CASCADE,
    created       INTEGER NOT NULL,
    seen          INTEGER NOT NULL,
    expires       INTEGER NOT NULL,
    address       TEXT,
    agent         TEXT    NOT NULL,
    CHECK ((administrator IS NULL) <> (setup_link IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX session_of ON session (administrator, created) WHERE administrator IS NOT NULL;
CREATE INDEX session_link ON session (setup_link, created) WHERE setup_link IS NOT NULL;
CREATE INDEX session_expires ON session (expires);

CREATE TABLE login_failure (
    who   TEXT    NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL,
    last  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX login_failure_last ON login_failure (last);
