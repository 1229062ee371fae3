-- Webhooks: endpoints with their secrets, how far each directory's line of them is, dead letters and attempts.
CREATE TABLE webhook (
    id           TEXT    NOT NULL PRIMARY KEY,
    directory    INTEGER REFERENCES directory (id),
    url          TEXT    NOT NULL,
    label        TEXT    NOT NULL,
    types        TEXT    NOT NULL,
    max_events   INTEGER NOT NULL,
    max_wait     INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    state        TEXT    NOT NULL,
    state_by     TEXT    NOT NULL,
    state_reason TEXT    NOT NULL,
    state_since  INTEGER,
    failing      INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_of ON webhook (directory, id);

-- `sealed` is encrypted with a key of the installation.
CREATE TABLE webhook_secret (
    webhook TEXT    NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    sealed  BLOB    NOT NULL,
    scheme  TEXT    NOT NULL,
    public  TEXT,
    expires INTEGER,
    PRIMARY KEY (webhook, created, sealed)
) STRICT, WITHOUT ROWID;

-- Lane 0 follows the feed, others replay a part of it; without a row lane 0 is at the beginning.
CREATE TABLE webhook_line (
    directory INTEGER NOT NULL REFERENCES directory (id),
    webhook   TEXT    NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    lane      INTEGER NOT NULL,
    kind      TEXT    NOT NULL,
    cursor    INTEGER NOT NULL,
    finish    INTEGER,
    fixed     INTEGER NOT NULL,
    attempt   INTEGER NOT NULL,
    due       INTEGER NOT NULL,
    lost      INTEGER NOT NULL,
    lost_at   INTEGER,
    worker    TEXT    NOT NULL,
    until     INTEGER NOT NULL,
    PRIMARY KEY (directory, webhook, lane)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_line_of ON webhook_line (webhook);
CREATE INDEX webhook_replay ON webhook_line (directory) WHERE lane > 0;
CREATE INDEX webhook_lease ON webhook_line (worker) WHERE worker <> '';

CREATE TABLE webhook_dead (
    directory INTEGER NOT NULL REFERENCES directory (id),
    webhook   TEXT    NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    first     INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    message   TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    status    INTEGER,
    error     TEXT    NOT NULL,
    PRIMARY KEY (directory, webhook, first)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_dead_of ON webhook_dead (webhook, directory, first);

CREATE TABLE webhook_attempt (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook   TEXT    NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    directory INTEGER REFERENCES directory (id),
    kind      TEXT    NOT NULL,
    message   TEXT    NOT NULL,
    first     INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    attempt   INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    took      INTEGER NOT NULL,
    status    INTEGER,
    error     TEXT    NOT NULL,
    request   TEXT    NOT NULL,
    reply     TEXT    NOT NULL,
    body      TEXT    NOT NULL
) STRICT;

CREATE INDEX webhook_attempt_of ON webhook_attempt (webhook, seq);
