-- The whole schema of a fresh database; migrations/ leads an older one to the same.
-- Every key of a directory's data begins with the directory. Times are milliseconds since the epoch.
-- Texts are compared by code point, whatever the database's own collation is.

-- A live or retained resource. `display` is its displayName, else its userName, for the lists it
-- appears in; `search` is the folded document that filters read. The wide columns are last.
CREATE TABLE resource (
    directory   BIGINT           NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    connection  BIGINT           NOT NULL,
    external_id TEXT COLLATE "C",
    seq         BIGINT           NOT NULL,
    version     BIGINT           NOT NULL,
    created     BIGINT           NOT NULL,
    modified    BIGINT           NOT NULL,
    deleted     BIGINT,
    display     TEXT COLLATE "C",
    document    BYTEA            NOT NULL,
    search      JSONB            NOT NULL,
    state TEXT COLLATE "C" GENERATED ALWAYS AS (
        CASE WHEN deleted IS NOT NULL THEN 'deleted' WHEN search -> 'active' = '0' THEN 'inactive' ELSE 'active' END
    ) STORED,
    PRIMARY KEY (directory, id)
);

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
    directory BIGINT           NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL,
    attribute TEXT COLLATE "C" NOT NULL,
    value     TEXT COLLATE "C" NOT NULL,
    id        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (directory, kind, attribute, value)
);

-- Folded values of live resources that are often looked up by equality (displayName, e-mails, family name).
CREATE TABLE attribute_value (
    directory BIGINT           NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL,
    attribute TEXT COLLATE "C" NOT NULL,
    value     TEXT COLLATE "C" NOT NULL,
    id        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (directory, kind, attribute, value, id)
);

-- Direct membership of live resources; `display` is what the identity provider sent.
CREATE TABLE member (
    directory BIGINT           NOT NULL,
    group_id  TEXT COLLATE "C" NOT NULL,
    member_id TEXT COLLATE "C" NOT NULL,
    display   TEXT COLLATE "C",
    PRIMARY KEY (directory, group_id, member_id)
);

-- The same from the member's side.
CREATE INDEX member_of ON member (directory, member_id, group_id);

-- Member values that name nobody yet.
CREATE TABLE pending_member (
    directory BIGINT           NOT NULL,
    group_id  TEXT COLLATE "C" NOT NULL,
    value     TEXT COLLATE "C" NOT NULL,
    display   TEXT COLLATE "C",
    PRIMARY KEY (directory, group_id, value)
);

-- The groups that wait for a value.
CREATE INDEX pending_value ON pending_member (directory, value, group_id);

-- The directory's feed, in the order of its commits.
CREATE TABLE event (
    directory  BIGINT           NOT NULL,
    seq        BIGINT           NOT NULL,
    type       TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    resource   TEXT COLLATE "C" NOT NULL,
    at         BIGINT           NOT NULL,
    connection BIGINT           NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    data       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (directory, seq)
);

-- One resource's events.
CREATE INDEX event_history ON event (directory, resource, seq);

-- Resources that are gone, and whose traces in events and the request log are still to be removed.
CREATE TABLE erasure (
    directory  BIGINT           NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    connection BIGINT           NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    names      TEXT COLLATE "C" NOT NULL,
    seq        BIGINT,
    PRIMARY KEY (directory, kind, id)
);

-- "seq" is the directory's one order, "live:<kind>" the number of live resources, and
-- "owned:<connection>:<kind>" the number of those that a connection owns.
CREATE TABLE counter (
    directory BIGINT           NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    value     BIGINT           NOT NULL,
    PRIMARY KEY (directory, name)
);

-- The control plane. A connection's and a token's id is what leads to its directory, so these keys
-- do not begin with one. A directory that was deleted (`removed`) keeps its row, and so its number, for ever; since
-- `cleared` there is nothing else of it but audit entries.
CREATE TABLE directory (
    id             BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name           TEXT COLLATE "C"                        NOT NULL UNIQUE,
    created        BIGINT                                  NOT NULL,
    revision       BIGINT                                  NOT NULL,
    schemas        TEXT COLLATE "C"                        NOT NULL,
    resource_types TEXT COLLATE "C"                        NOT NULL,
    requirements   TEXT COLLATE "C"                        NOT NULL DEFAULT '{}',
    removed        BIGINT,
    cleared        BIGINT
);

-- `limits` is a JSON object of the limits that were set; the others are the release's defaults.
CREATE TABLE connection (
    id           BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    directory    BIGINT                                  NOT NULL REFERENCES directory (id),
    name         TEXT COLLATE "C"                        NOT NULL,
    created      BIGINT                                  NOT NULL,
    profile      TEXT COLLATE "C"                        NOT NULL,
    reach        TEXT COLLATE "C"                        NOT NULL,
    on_delete    TEXT COLLATE "C"                        NOT NULL,
    limits       TEXT COLLATE "C"                        NOT NULL DEFAULT '{}',
    state        TEXT COLLATE "C"                        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'disabled')),
    state_by     TEXT COLLATE "C"                        NOT NULL DEFAULT '',
    state_reason TEXT COLLATE "C"                        NOT NULL DEFAULT '',
    state_since  BIGINT,
    UNIQUE (directory, name),
    UNIQUE (directory, id)
);

-- Connections that were deleted: their numbers are not given out again, and their names stand in what they did.
CREATE TABLE removed_connection (
    directory BIGINT           NOT NULL REFERENCES directory (id),
    id        BIGINT           NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    removed   BIGINT           NOT NULL,
    PRIMARY KEY (directory, id)
);

-- Accounts that a connection deactivated or deleted in its present window, and the most there were.
CREATE TABLE fuse_window (
    directory  BIGINT NOT NULL,
    connection BIGINT NOT NULL,
    began      BIGINT NOT NULL,
    lost       BIGINT NOT NULL,
    live       BIGINT NOT NULL,
    PRIMARY KEY (directory, connection),
    FOREIGN KEY (directory, connection) REFERENCES connection (directory, id)
);

-- Who may fetch tokens for a connection.
CREATE TABLE client (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    directory  BIGINT           NOT NULL,
    connection BIGINT           NOT NULL,
    label      TEXT COLLATE "C" NOT NULL,
    scopes     TEXT COLLATE "C" NOT NULL,
    created    BIGINT           NOT NULL,
    last_used  BIGINT,
    revoked    BIGINT,
    FOREIGN KEY (directory, connection) REFERENCES connection (directory, id)
);

CREATE INDEX client_of ON client (directory, connection, created);

-- `digest` is the SHA-256 of the whole secret.
CREATE TABLE client_secret (
    client  TEXT COLLATE "C" NOT NULL REFERENCES client (id),
    digest  BYTEA            NOT NULL,
    created BIGINT           NOT NULL,
    expires BIGINT,
    PRIMARY KEY (client, digest)
);

-- `digest` is the SHA-256 of the whole token text, which is kept nowhere. `warned` is the number of days before
-- its end of which was warned last.
CREATE TABLE token (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    directory  BIGINT           NOT NULL,
    connection BIGINT           NOT NULL,
    digest     BYTEA            NOT NULL,
    label      TEXT COLLATE "C" NOT NULL,
    scopes     TEXT COLLATE "C" NOT NULL,
    created    BIGINT           NOT NULL,
    expires    BIGINT           NOT NULL,
    last_used  BIGINT,
    revoked    BIGINT,
    client     TEXT COLLATE "C" REFERENCES client (id),
    warned     BIGINT,
    FOREIGN KEY (directory, connection) REFERENCES connection (directory, id)
);

CREATE INDEX token_of ON token (directory, connection, created);

-- What a client was issued, and what has expired.
CREATE INDEX token_client ON token (client, expires) WHERE client IS NOT NULL;
CREATE INDEX token_expires ON token (expires);

-- What else ends, by when.
CREATE INDEX client_secret_expires ON client_secret (expires) WHERE expires IS NOT NULL;

-- Credentials of the management API; without a directory one is for the whole installation.
CREATE TABLE api_key (
    id        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    digest    BYTEA            NOT NULL,
    directory BIGINT           REFERENCES directory (id),
    label     TEXT COLLATE "C" NOT NULL,
    scopes    TEXT COLLATE "C" NOT NULL,
    created   BIGINT           NOT NULL,
    expires   BIGINT           NOT NULL,
    last_used BIGINT,
    revoked   BIGINT
);

CREATE INDEX api_key_page ON api_key (created DESC, id);
CREATE INDEX api_key_of ON api_key (directory, created DESC, id);

CREATE INDEX api_key_expires ON api_key (expires);

-- What came of requests with an idempotency key: no status yet, or a status and the reply's body.
CREATE TABLE replay (
    api_key TEXT COLLATE "C" NOT NULL REFERENCES api_key (id),
    name    TEXT COLLATE "C" NOT NULL,
    digest  BYTEA            NOT NULL,
    begun   BIGINT           NOT NULL,
    status  BIGINT,
    body    BYTEA,
    directory BIGINT,
    PRIMARY KEY (api_key, name)
);

CREATE INDEX replay_begun ON replay (begun);

-- Administrative changes: who did what to what, and what differs. `directory` is NULL for the installation.
CREATE TABLE audit (
    seq        BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    directory  BIGINT                                  REFERENCES directory (id),
    at         BIGINT                                  NOT NULL,
    actor_kind TEXT COLLATE "C"                        NOT NULL,
    actor_name TEXT COLLATE "C"                        NOT NULL,
    actor_id   TEXT COLLATE "C"                        NOT NULL,
    address    TEXT COLLATE "C",
    request_id TEXT COLLATE "C"                        NOT NULL,
    action     TEXT COLLATE "C"                        NOT NULL,
    target     TEXT COLLATE "C"                        NOT NULL,
    data       TEXT COLLATE "C"                        NOT NULL
);

CREATE INDEX audit_of ON audit (directory, seq);

-- Who may use the console; without a directory one is for the whole installation.
CREATE TABLE administrator (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL,
    folded     TEXT COLLATE "C" NOT NULL UNIQUE,
    role       TEXT COLLATE "C" NOT NULL,
    directory  BIGINT           REFERENCES directory (id),
    password   TEXT COLLATE "C",
    issuer     TEXT COLLATE "C",
    subject    TEXT COLLATE "C",
    created    BIGINT           NOT NULL,
    disabled   BIGINT,
    last_login BIGINT,
    revision   BIGINT           NOT NULL,
    second_factor TEXT COLLATE "C",
    UNIQUE (issuer, subject)
);

-- What lets somebody without an account set up one connection.
CREATE TABLE setup_link (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    directory  BIGINT           NOT NULL,
    connection BIGINT           NOT NULL,
    digest     BYTEA            NOT NULL,
    label      TEXT COLLATE "C" NOT NULL,
    created    BIGINT           NOT NULL,
    expires    BIGINT           NOT NULL,
    last_used  BIGINT,
    revoked    BIGINT,
    FOREIGN KEY (directory, connection) REFERENCES connection (directory, id)
);

CREATE INDEX setup_link_of ON setup_link (directory, connection, created);

-- Of an administrator, or of a set-up link.
CREATE TABLE session (
    digest        BYTEA            NOT NULL PRIMARY KEY,
    id            TEXT COLLATE "C" NOT NULL UNIQUE,
    administrator TEXT COLLATE "C" REFERENCES administrator (id) ON DELETE CASCADE,
    setup_link    TEXT COLLATE "C" REFERENCES setup_link (id) ON DELETE CASCADE,
    created       BIGINT           NOT NULL,
    seen          BIGINT           NOT NULL,
    expires       BIGINT           NOT NULL,
    address       TEXT COLLATE "C",
    agent         TEXT COLLATE "C" NOT NULL,
    CHECK ((administrator IS NULL) <> (setup_link IS NULL))
);

CREATE INDEX session_of ON session (administrator, created) WHERE administrator IS NOT NULL;
CREATE INDEX session_link ON session (setup_link, created) WHERE setup_link IS NOT NULL;
CREATE INDEX session_expires ON session (expires);

-- Log-ins that failed, by the account or the address they were tried for and from.
CREATE TABLE login_failure (
    who   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    count BIGINT           NOT NULL,
    last  BIGINT           NOT NULL
);

CREATE INDEX login_failure_last ON login_failure (last);

-- That a password was right, for the code that is to follow; good for the revision of then.
CREATE TABLE login_ticket (
    digest        BYTEA            NOT NULL PRIMARY KEY,
    administrator TEXT COLLATE "C" NOT NULL REFERENCES administrator (id) ON DELETE CASCADE,
    revision      BIGINT           NOT NULL,
    expires       BIGINT           NOT NULL
);

CREATE INDEX login_ticket_of ON login_ticket (administrator);
CREATE INDEX login_ticket_expires ON login_ticket (expires);

-- The request log. `seq` grows with the time: about microseconds since the epoch. The wide columns are last.
CREATE TABLE request (
    directory    BIGINT           NOT NULL,
    seq          BIGINT           NOT NULL,
    connection   BIGINT           NOT NULL,
    at           BIGINT           NOT NULL,
    status       BIGINT           NOT NULL,
    method       TEXT COLLATE "C" NOT NULL,
    microseconds BIGINT           NOT NULL,
    left_out     BIGINT           NOT NULL,
    token        TEXT COLLATE "C" NOT NULL,
    request_id   TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C",
    resource     TEXT COLLATE "C",
    subject      TEXT COLLATE "C",
    path         TEXT COLLATE "C" NOT NULL,
    query        TEXT COLLATE "C" NOT NULL,
    scim_type    TEXT COLLATE "C",
    situation    TEXT COLLATE "C" NOT NULL,
    other        TEXT COLLATE "C" NOT NULL,
    tolerated    TEXT COLLATE "C" NOT NULL,
    address      TEXT COLLATE "C",
    agent        TEXT COLLATE "C",
    body_size    BIGINT           NOT NULL,
    detail       TEXT COLLATE "C",
    body         TEXT COLLATE "C",
    reply        TEXT COLLATE "C",
    PRIMARY KEY (directory, seq)
);

CREATE INDEX request_connection ON request (directory, connection, seq);
CREATE INDEX request_resource ON request (directory, resource, seq) WHERE resource IS NOT NULL;
CREATE INDEX request_error ON request (directory, seq) WHERE status >= 400;

-- How many requests a connection sent in an hour (`hour` is its number since the epoch), and its last ones in ms.
CREATE TABLE request_hour (
    directory   BIGINT NOT NULL,
    connection  BIGINT NOT NULL,
    hour        BIGINT NOT NULL,
    ok          BIGINT NOT NULL,
    failed      BIGINT NOT NULL,
    last_ok     BIGINT,
    last_failed BIGINT,
    PRIMARY KEY (directory, connection, hour)
);

-- What administrators chose for the whole installation; `value` is JSON. What is not here has its default.
CREATE TABLE setting (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

-- Endpoints of webhooks; without a directory one is for all. `failing`: since when nothing but failures.
CREATE TABLE webhook (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    directory    BIGINT           REFERENCES directory (id),
    url          TEXT COLLATE "C" NOT NULL,
    label        TEXT COLLATE "C" NOT NULL,
    types        TEXT COLLATE "C" NOT NULL,
    max_events   BIGINT           NOT NULL,
    max_wait     BIGINT           NOT NULL,
    created      BIGINT           NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    state_by     TEXT COLLATE "C" NOT NULL,
    state_reason TEXT COLLATE "C" NOT NULL,
    state_since  BIGINT,
    failing      BIGINT
);

CREATE INDEX webhook_of ON webhook (directory, id);

-- `sealed` is encrypted with a key of the installation.
CREATE TABLE webhook_secret (
    webhook TEXT COLLATE "C" NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    created BIGINT           NOT NULL,
    sealed  BYTEA            NOT NULL,
    scheme  TEXT COLLATE "C" NOT NULL,
    public  TEXT COLLATE "C",
    expires BIGINT,
    PRIMARY KEY (webhook, created, sealed)
);

-- Lane 0 follows the feed, others replay a part of it; without a row lane 0 is at the beginning.
CREATE TABLE webhook_line (
    directory BIGINT           NOT NULL REFERENCES directory (id),
    webhook   TEXT COLLATE "C" NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    lane      BIGINT           NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL,
    cursor    BIGINT           NOT NULL,
    finish    BIGINT,
    fixed     BIGINT           NOT NULL,
    attempt   BIGINT           NOT NULL,
    due       BIGINT           NOT NULL,
    lost      BIGINT           NOT NULL,
    lost_at   BIGINT,
    worker    TEXT COLLATE "C" NOT NULL,
    until     BIGINT           NOT NULL,
    PRIMARY KEY (directory, webhook, lane)
);

CREATE INDEX webhook_line_of ON webhook_line (webhook);
CREATE INDEX webhook_replay ON webhook_line (directory) WHERE lane > 0;
CREATE INDEX webhook_lease ON webhook_line (worker) WHERE worker <> '';

CREATE TABLE webhook_dead (
    directory BIGINT           NOT NULL REFERENCES directory (id),
    webhook   TEXT COLLATE "C" NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    first     BIGINT           NOT NULL,
    last      BIGINT           NOT NULL,
    message   TEXT COLLATE "C" NOT NULL,
    at        BIGINT           NOT NULL,
    attempts  BIGINT           NOT NULL,
    status    BIGINT,
    error     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (directory, webhook, first)
);

CREATE INDEX webhook_dead_of ON webhook_dead (webhook, directory, first);

CREATE TABLE webhook_attempt (
    seq       BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    webhook   TEXT COLLATE "C"                        NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    directory BIGINT                                  REFERENCES directory (id),
    kind      TEXT COLLATE "C"                        NOT NULL,
    message   TEXT COLLATE "C"                        NOT NULL,
    first     BIGINT                                  NOT NULL,
    last      BIGINT                                  NOT NULL,
    attempt   BIGINT                                  NOT NULL,
    at        BIGINT                                  NOT NULL,
    took      BIGINT                                  NOT NULL,
    status    BIGINT,
    error     TEXT COLLATE "C"                        NOT NULL,
    request   TEXT COLLATE "C"                        NOT NULL,
    reply     TEXT COLLATE "C"                        NOT NULL,
    body      TEXT COLLATE "C"                        NOT NULL
);

CREATE INDEX webhook_attempt_of ON webhook_attempt (webhook, seq);

-- Users whom the application had before their identity provider came, by folded userName.
CREATE TABLE adoption (
    directory BIGINT           NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    id        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (directory, name)
);

-- A directory's mapping: its rules, and how far they are carried out.
CREATE TABLE mapping (
    directory BIGINT           PRIMARY KEY,
    rules     TEXT COLLATE "C" NOT NULL,
    revision  BIGINT           NOT NULL,
    place     BIGINT           NOT NULL,
    walk      BIGINT
);

-- What the mapping made of a user.
CREATE TABLE projection (
    directory BIGINT           NOT NULL,
    id        TEXT COLLATE "C" NOT NULL,
    value     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (directory, id)
);

-- What an endpoint is that gets security event tokens.
CREATE TABLE set_stream (
    webhook         TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES webhook (id) ON DELETE CASCADE,
    audience        TEXT COLLATE "C" NOT NULL,
    method          TEXT COLLATE "C" NOT NULL,
    detail          TEXT COLLATE "C" NOT NULL,
    vocabulary      TEXT COLLATE "C" NOT NULL,
    "authorization" BYTEA
);

-- Events behind the cursor of a line whose token the receiver has, while it has not one before them.
CREATE TABLE set_ack (
    directory BIGINT           NOT NULL REFERENCES directory (id),
    webhook   TEXT COLLATE "C" NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    seq       BIGINT           NOT NULL,
    PRIMARY KEY (directory, webhook, seq)
);

CREATE INDEX set_ack_of ON set_ack (webhook);

-- What signs security event tokens; `sealed` is encrypted with a key of the installation.
CREATE TABLE signing_key (
    kid       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    algorithm TEXT COLLATE "C" NOT NULL,
    public    TEXT COLLATE "C" NOT NULL,
    sealed    BYTEA            NOT NULL,
    created   BIGINT           NOT NULL,
    signs     BIGINT           NOT NULL,
    ends      BIGINT
);

-- What is left of rates that all processes share: `rate` a second and `at` in microseconds, `size` and `level` in
-- millionths of a request. Directory 0: of the installation. Nothing is lost with it but that buckets are full again.
CREATE UNLOGGED TABLE bucket (
    directory BIGINT           NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    rate      BIGINT           NOT NULL,
    size      BIGINT           NOT NULL,
    level     BIGINT           NOT NULL,
    at        BIGINT           NOT NULL,
    PRIMARY KEY (directory, name)
);

-- Forms of the console that were sent: a digest of the page's mark and the address.
CREATE TABLE form_mark (
    digest BYTEA  NOT NULL PRIMARY KEY,
    used   BIGINT NOT NULL
);

CREATE INDEX form_mark_used ON form_mark (used);

-- Where pages of walks ended, so that any process finds the next one: a connection has so many places (`slot`), and
-- the newest bookmark takes its place from whoever has it. `key` is the JSON of the folded sort value.
CREATE UNLOGGED TABLE bookmark (
    directory   BIGINT NOT NULL,
    connection  BIGINT NOT NULL,
    slot        BIGINT NOT NULL,
    walk        BYTEA  NOT NULL,
    start_index BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    key         BYTEA  NOT NULL,
    total       BIGINT NOT NULL,
    expires     BIGINT NOT NULL,
    PRIMARY KEY (directory, connection, slot)
);

-- Keys of the installation, made at first use.
CREATE TABLE secret (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BYTEA            NOT NULL
);

-- The migrations that this database has, with the SHA-256 of their text. `since`: whoever knows the migrations up
-- to that one can work with it.
CREATE TABLE schema_version (
    version  BIGINT           PRIMARY KEY,
    name     TEXT COLLATE "C" NOT NULL,
    checksum TEXT COLLATE "C" NOT NULL,
    applied  BIGINT           NOT NULL,
    since    BIGINT           NOT NULL DEFAULT 1
);
