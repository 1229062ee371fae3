-- Security event tokens: what an endpoint is that gets them, what was fetched out of order, what signs them.
CREATE TABLE set_stream (
    webhook       TEXT NOT NULL PRIMARY KEY REFERENCES webhook (id) ON DELETE CASCADE,
    audience      TEXT NOT NULL,
    method        TEXT NOT NULL,
    detail        TEXT NOT NULL,
    vocabulary    TEXT NOT NULL,
    authorization BLOB
) STRICT, WITHOUT ROWID;

-- Events behind the cursor of a line whose token the receiver has, while it has not one before them.
CREATE TABLE set_ack (
    directory INTEGER NOT NULL REFERENCES directory (id),
    webhook   TEXT    NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    seq       INTEGER NOT NULL,
    PRIMARY KEY (directory, webhook, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX set_ack_of ON set_ack (webhook);

-- `sealed` is encrypted with a key of the installation.
CREATE TABLE signing_key (
    kid       TEXT    NOT NULL PRIMARY KEY,
    algorithm TEXT    NOT NULL,
    public    TEXT    NOT NULL,
    sealed    BLOB    NOT NULL,
    created   INTEGER NOT NULL,
    signs     INTEGER NOT NULL,
    ends      INTEGER
) STRICT, WITHOUT ROWID;
