-- The whole schema of a fresh database; migrations/ leads an older one to the same.
-- Every key of a directory's data begins with the directory. Times are milliseconds since the epoch.
-- WITHOUT ROWID is for narrow rows only: a wide row would not fit an index page.

-- A live or retained resource. `display` is its displayName, else its userName, for the lists it
-- appears in; `search` is the folded document that filters read. The wide columns are last.
CREATE TABLE resource (
    directory   INTEGER NOT NULL,
    id          TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    connection  INTEGER NOT NULL,
    external_id TEXT,
    seq         INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    modified    INTEGER NOT NULL,
    deleted     INTEGER,
    display     TEXT,
    document    BLOB    NOT NULL,
    search      TEXT    NOT NULL,
    state TEXT GENERATED ALWAYS AS (
        CASE WHEN deleted IS NOT NULL THEN 'deleted' WHEN search ->> '$.active' = 0 THEN 'inactive' ELSE 'active' END
    ) VIRTUAL,
    PRIMARY KEY (directory, id)
) STRICT;

-- Listings walk this one, page by page. `deleted` is in it so that rows are skipped or counted
-- without being read.
CREATE INDEX resource_live ON resource (directory, kind, seq, deleted) WHERE deleted IS NULL;

-- Accounts in a state, in their order; a connection's are found without reading the others' rows.
CREATE INDEX resource_state ON resource (directory, kind, state, seq, connection);

-- externalId is data of a connection: look-ups by one connection or for all, and what one may revive.
CREATE INDEX resource_external ON resource (directory, kind, external_id, connection)
    WHERE external_id IS NOT NULL;

-- Retained resources by the time of their deletion.
CREATE INDEX resource_deleted ON resource (directory, kind, deleted) WHERE deleted IS NOT NULL;

-- Folded values that one live resource of a kind may have (userName).
CREATE TABLE unique_value (
    directory INTEGER NOT NULL,
    kind      TEXT    NOT NULL,
    attribute TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    PRIMARY KEY (directory, kind, attribute, value)
) STRICT, WITHOUT ROWID;

-- Folded values of live resources that are often looked up by equality (displayName, e-mails, family name).
CREATE TABLE attribute_value (
    directory INTEGER NOT NULL,
    kind      TEXT    NOT NULL,
    attribute TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    PRIMARY KEY (directory, kind, attribute, value, id)
) STRICT, WITHOUT ROWID;

-- Parts of the folded texts that people search by (names, e-mails): the numbers of resources by three characters.
-- A row's number is the directory times 2^40 plus the resource's `seq`. It only narrows a search.
CREATE VIRTUAL TABLE parts USING fts5 (
    text, content = '', detail = none, columnsize = 0, tokenize = 'trigram case_sensitive 1'
);

-- Resources that `parts` does not know yet as they are: with what it has of them, and what it shall have.
CREATE TABLE parts_due (
    directory INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    old       TEXT,
    new       TEXT,
    PRIMARY KEY (directory, seq)
) STRICT, WITHOUT ROWID;

-- Direct membership of live resources; `display` is what the identity provider sent.
CREATE TABLE member (
    directory INTEGER NOT NULL,
    group_id  TEXT    NOT NULL,
    member_id TEXT    NOT NULL,
    display   TEXT,
    PRIMARY KEY (directory, group_id, member_id)
) STRICT, WITHOUT ROWID;

-- The same from the member's side.
CREATE INDEX member_of ON member (directory, member_id, group_id);

-- Member values that name nobody yet.
CREATE TABLE pending_member (
    directory INTEGER NOT NULL,
    group_id  TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    display   TEXT,
    PRIMARY KEY (directory, group_id, value)
) STRICT, WITHOUT ROWID;

-- The groups that wait for a value.
CREATE INDEX pending_value ON pending_member (directory, value, group_id);

-- The directory's feed, in the order of its commits.
CREATE TABLE event (
    directory  INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    type       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    resource   TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    request_id TEXT    NOT NULL,
    data       TEXT    NOT NULL,
    PRIMARY KEY (directory, seq)
) STRICT, WITHOUT ROWID;

-- One resource's events.
CREATE INDEX event_history ON event (directory, resource, seq);

-- Resources that are gone, and whose traces in events up to `seq` and in the request log are still to be removed.
CREATE TABLE erasure (
    directory  INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    connection INTEGER NOT NULL,
    request_id TEXT    NOT NULL,
    names      TEXT    NOT NULL,
    seq        INTEGER,
    PRIMARY KEY (directory, kind, id)
) STRICT, WITHOUT ROWID;

-- "seq" is the directory's one order, "live:<kind>" the number of live resources, and
-- "owned:<connection>:<kind>" the number of those that a connection owns.
CREATE TABLE counter (
    directory INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    value     INTEGER NOT NULL,
    PRIMARY KEY (directory, name)
) STRICT, WITHOUT ROWID;

-- The triggers that keep the live counts, whoever writes.
CREATE TRIGGER resource_inserted AFTER INSERT ON resource WHEN NEW.deleted IS NULL
BEGIN
    INSERT INTO counter (directory, name, value)
    VALUES (NEW.directory, 'live:' || NEW.kind, 1),
        (NEW.directory, 'owned:' || NEW.connection || ':' || NEW.kind, 1)
    ON CONFLICT (directory, name) DO UPDATE SET value = value + 1;
END;

CREATE TRIGGER resource_retained AFTER UPDATE OF deleted ON resource
WHEN OLD.deleted IS NULL AND NEW.deleted IS NOT NULL
BEGIN
    UPDATE counter SET value = value - 1
    WHERE directory = OLD.directory
        AND name IN ('live:' || OLD.kind, 'owned:' || OLD.connection || ':' || OLD.kind);
END;

CREATE TRIGGER resource_revived AFTER UPDATE OF deleted ON resource
WHEN OLD.deleted IS NOT NULL AND NEW.deleted IS NULL
BEGIN
    INSERT INTO counter (directory, name, value)
    VALUES (NEW.directory, 'live:' || NEW.kind, 1),
        (NEW.directory, 'owned:' || NEW.connection || ':' || NEW.kind, 1)
    ON CONFLICT (directory, name) DO UPDATE SET value = value + 1;
END;

CREATE TRIGGER resource_adopted AFTER UPDATE OF connection ON resource
WHEN OLD.connection <> NEW.connection AND OLD.deleted IS NULL AND NEW.deleted IS NULL
BEGIN
    UPDATE counter SET value = value - 1
    WHERE directory = OLD.directory AND name = 'owned:' || OLD.connection || ':' || OLD.kind;
    INSERT INTO counter (directory, name, value)
    VALUES (NEW.directory, 'owned:' || NEW.connection || ':' || NEW.kind, 1)
    ON CONFLICT (directory, name) DO UPDATE SET value = value + 1;
END;

CREATE TRIGGER resource_erased AFTER DELETE ON resource WHEN OLD.deleted IS NULL
BEGIN
    UPDATE counter SET value = value - 1
    WHERE directory = OLD.directory
        AND name IN ('live:' || OLD.kind, 'owned:' || OLD.connection || ':' || OLD.kind);
END;

-- The control plane. A connection's and a token's id is what leads to its directory, so these keys
-- do not begin with one. A directory that was deleted (`removed`) keeps its row, and so its number, for ever; since
-- `cleared` there is nothing else of it but audit entries.
CREATE TABLE directory (
    id             INTEGER PRIMARY KEY,
    name           TEXT    NOT NULL UNIQUE,
    created        INTEGER NOT NULL,
    revision       INTEGER NOT NULL,
    schemas        TEXT    NOT NULL,
    resource_types TEXT    NOT NULL,
    requirements   TEXT    NOT NULL DEFAULT '{}',
    removed        INTEGER,
    cleared        INTEGER
) STRICT;

-- `limits` is a JSON object of the limits that were set; the others are the release's defaults.
CREATE TABLE connection (
    id        INTEGER PRIMARY KEY,
    directory INTEGER NOT NULL REFERENCES directory (id),
    name      TEXT    NOT NULL,
    created   INTEGER NOT NULL,
    profile   TEXT    NOT NULL,
    reach     TEXT    NOT NULL,
    on_delete TEXT    NOT NULL,
    limits       TEXT NOT NULL DEFAULT '{}',
    state        TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'disabled')),
    state_by     TEXT NOT NULL DEFAULT '',
    state_reason TEXT NOT NULL DEFAULT '',
    state_since  INTEGER,
    UNIQUE (directory, name),
    UNIQUE (directory, id)
) STRICT;

-- Connections that were deleted: their numbers are not given out again, and their names stand in what they did.
CREATE TABLE removed_connection (
    directory INTEGER NOT NULL REFERENCES directory (id),
    id        INTEGER PRIMARY KEY,
    name      TEXT    NOT NULL,
    removed   INTEGER NOT NULL
) STRICT;

CREATE INDEX removed_connection_of ON removed_connection (directory, id);

-- Accounts that a connection deactivated or deleted in its present window, and the most there were.
CREATE TABLE fuse_window (
    directory  INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    began      INTEGER NOT NULL,
    lost       INTEGER NOT NULL,
    live       INTEGER NOT NULL,
    PRIMARY KEY (directory, connection),
    FOREIGN KEY (directory, connection) REFERENCES connection (directory, id)
) STRICT, WITHOUT ROWID;

-- Who may fetch tokens for a connection.
CREATE TABLE client (
    id         TEXT    NOT NULL PRIMARY KEY,
    directory  INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    label      TEXT    NOT NULL,
    scopes     TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    last_used  INTEGER,
    revoked    INTEGER,
    FOREIGN KEY (directory, connection) REFERENCES connection (directory, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX client_of ON client (directory, connection, created);

-- `digest` is the SHA-256 of the whole secret.
CREATE TABLE client_secret (
    client  TEXT    NOT NULL REFERENCES client (id),
    digest  BLOB    NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    PRIMARY KEY (client, digest)
) STRICT, WITHOUT ROWID;

-- `digest` is the SHA-256 of the whole token text, which is kept nowhere. `warned` is the number of days before
-- its end of which was warned last.
CREATE TABLE token (
    id         TEXT    NOT NULL PRIMARY KEY,
    directory  INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    digest     BLOB    NOT NULL,
    label      TEXT    NOT NULL,
    scopes     TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    last_used  INTEGER,
    revoked    INTEGER,
    client     TEXT REFERENCES client (id),
    warned     INTEGER,
    FOREIGN KEY (directory, connection) REFERENCES connection (directory, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX token_of ON token (directory, connection, created);

-- What a client was issued, and what has expired.
CREATE INDEX token_client ON token (client, expires) WHERE client IS NOT NULL;
CREATE INDEX token_expires ON token (expires);

-- What else ends, by when.
CREATE INDEX client_secret_expires ON client_secret (expires) WHERE expires IS NOT NULL;

-- Credentials of the management API; without a directory one is for the whole installation.
CREATE TABLE api_key (
    id        TEXT    NOT NULL PRIMARY KEY,
    digest    BLOB    NOT NULL,
    directory INTEGER REFERENCES directory (id),
    label     TEXT    NOT NULL,
    scopes    TEXT    NOT NULL,
    created   INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    last_used INTEGER,
    revoked   INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX api_key_page ON api_key (created DESC, id);
CREATE INDEX api_key_of ON api_key (directory, created DESC, id);

CREATE INDEX api_key_expires ON api_key (expires);

-- What came of requests with an idempotency key: no status yet, or a status and the reply's body. `directory` is
-- that of their path, if there is one.
CREATE TABLE replay (
    api_key TEXT    NOT NULL REFERENCES api_key (id),
    name    TEXT    NOT NULL,
    digest  BLOB    NOT NULL,
    begun   INTEGER NOT NULL,
    status  INTEGER,
    body    BLOB,
    directory INTEGER,
    PRIMARY KEY (api_key, name)
) STRICT;

CREATE INDEX replay_begun ON replay (begun);

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

-- Who may use the console; without a directory one is for the whole installation.
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
    second_factor TEXT,
    UNIQUE (issuer, subject)
) STRICT, WITHOUT ROWID;

-- What lets somebody without an account set up one connection.
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

-- Of an administrator, or of a set-up link.
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

-- Log-ins that failed, by the account or the address they were tried for and from.
CREATE TABLE login_failure (
    who   TEXT    NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL,
    last  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX login_failure_last ON login_failure (last);

-- That a password was right, for the code that is to follow; good for the revision of then.
CREATE TABLE login_ticket (
    digest        BLOB    NOT NULL PRIMARY KEY,
    administrator TEXT    NOT NULL REFERENCES administrator (id) ON DELETE CASCADE,
    revision      INTEGER NOT NULL,
    expires       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX login_ticket_of ON login_ticket (administrator);
CREATE INDEX login_ticket_expires ON login_ticket (expires);

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

-- What administrators chose for the whole installation; `value` is JSON. What is not here has its default.
CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Endpoints of webhooks; without a directory one is for all. `failing`: since when nothing but failures.
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

-- Users whom the application had before their identity provider came, by folded userName.
CREATE TABLE adoption (
    directory INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    PRIMARY KEY (directory, name)
) STRICT, WITHOUT ROWID;

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

-- What an endpoint is that gets security event tokens.
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

-- What signs security event tokens; `sealed` is encrypted with a key of the installation.
CREATE TABLE signing_key (
    kid       TEXT    NOT NULL PRIMARY KEY,
    algorithm TEXT    NOT NULL,
    public    TEXT    NOT NULL,
    sealed    BLOB    NOT NULL,
    created   INTEGER NOT NULL,
    signs     INTEGER NOT NULL,
    ends      INTEGER
) STRICT, WITHOUT ROWID;

-- What is left of rates that all processes share: `rate` a second and `at` in microseconds, `size` and `level` in
-- millionths of a request. Directory 0: of the installation.
CREATE TABLE bucket (
    directory INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    rate      INTEGER NOT NULL,
    size      INTEGER NOT NULL,
    level     INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (directory, name)
) STRICT, WITHOUT ROWID;

-- Forms of the console that were sent: a digest of the page's mark and the address.
CREATE TABLE form_mark (
    digest BLOB    NOT NULL PRIMARY KEY,
    used   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX form_mark_used ON form_mark (used);

-- Keys of the installation, made at first use.
CREATE TABLE secret (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The migrations that this database has, with the SHA-256 of their text. `since`: whoever knows the migrations up
-- to that one can work with it.
CREATE TABLE schema_version (
    version  INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL,
    checksum TEXT    NOT NULL,
    applied  INTEGER NOT NULL,
    since    INTEGER NOT NULL DEFAULT 16
) STRICT;
