-- API keys, replies kept for repeated requests, and accounts by their state.
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

CREATE TABLE replay (
    api_key TEXT    NOT NULL REFERENCES api_key (id),
    name    TEXT    NOT NULL,
    digest  BLOB    NOT NULL,
    begun   INTEGER NOT NULL,
    status  INTEGER,
    body    BLOB,
    PRIMARY KEY (api_key, name)
) STRICT;

CREATE INDEX replay_begun ON replay (begun);

ALTER TABLE resource ADD COLUMN state TEXT GENERATED ALWAYS AS (
    CASE WHEN deleted IS NOT NULL THEN 'deleted' WHEN search ->> '$.active' = 0 THEN 'inactive' ELSE 'active' END
) VIRTUAL;

CREATE INDEX resource_state ON resource (directory, kind, state, seq);
