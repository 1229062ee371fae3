-- The request log. `seq` grows with the time: about microseconds since the epoch. The wide columns are last.
CREATE TABLE request (
    directory    INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    connection   INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    status       INTEGER NOT NULL,
    method       TEXT    NOT NULL,
    microseconds INTEGER NOT NULL,
    left_out     INTEGER NOT NULL,
    token        TEXT    NOT NULL,
    request_id   TEXT    NOT NULL,
    kind         TEXT,
    resource     TEXT,
    subject      TEXT,
    path         TEXT    NOT NULL,
    query        TEXT    NOT NULL,
    scim_type    TEXT,
    situation    TEXT    NOT NULL,
    other        TEXT    NOT NULL,
    tolerated    TEXT    NOT NULL,
    address      TEXT,
    agent        TEXT,
    body_size    INTEGER NOT NULL,
    detail       TEXT,
    body         TEXT,
    reply        TEXT,
    PRIMARY KEY (directory, seq)
) STRICT;

CREATE INDEX request_connection ON request (directory, connection, seq);
CREATE INDEX request_resource ON request (directory, resource, seq) WHERE resource IS NOT NULL;
CREATE INDEX request_error ON request (directory, seq) WHERE status >= 400;

-- How many requests a connection sent in an hour (`hour` is its number since the epoch), and its last ones in ms.
CREATE TABLE request_hour (
    directory   INTEGER NOT NULL,
    connection  INTEGER NOT NULL,
    hour        INTEGER NOT NULL,
    ok          INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    last_ok     INTEGER,
    last_failed INTEGER,
    PRIMARY KEY (directory, connection, hour)
) STRICT, WITHOUT ROWID;
