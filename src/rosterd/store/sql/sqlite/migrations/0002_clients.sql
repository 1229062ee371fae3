-- Clients of the Token Provider, and which of them a token was issued to.
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

CREATE TABLE client_secret (
    client  TEXT    NOT NULL REFERENCES client (id),
    digest  BLOB    NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    PRIMARY KEY (client, digest)
) STRICT, WITHOUT ROWID;

ALTER TABLE token ADD COLUMN client TEXT REFERENCES client (id);

CREATE INDEX token_client ON token (client, expires) WHERE client IS NOT NULL;
CREATE INDEX token_expires ON token (expires);
