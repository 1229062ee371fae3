-- Directories, connections with their standing and losses, tokens, secrets of the installation.

-- name: credential
-- A token with its connection; the directory's revision says whether what is known of it is still true.
SELECT t.id, t.directory, t.connection, t.digest, t.label, t.scopes, t.created, t.expires, t.last_used, t.revoked,
    t.client,
    c.id, c.directory, c.name, c.created, c.profile, c.reach, c.on_delete, c.limits,
    c.state, c.state_by, c.state_reason, c.state_since,
    d.revision
FROM token AS t
JOIN connection AS c ON c.id = t.connection AND c.directory = t.directory
JOIN directory AS d ON d.id = t.directory AND d.removed IS NULL
WHERE t.id = ?1;

-- name: get_directory
-- A directory by id.
SELECT id, name, created, revision, schemas, resource_types, requirements FROM directory
WHERE id = ?1 AND removed IS NULL;

-- name: directories
-- All directories.
SELECT id, name, created, revision, schemas, resource_types, requirements FROM directory
WHERE removed IS NULL
ORDER BY name;

-- name: directory_named
-- A directory by name.
SELECT id, name, created, revision, schemas, resource_types, requirements FROM directory
WHERE name = ?1 AND removed IS NULL;

-- name: directory_page
-- Directories behind a name.
SELECT id, name, created, revision, schemas, resource_types, requirements FROM directory
WHERE name > ?1 AND removed IS NULL
ORDER BY name
LIMIT ?2;

-- name: directory_search
-- Directories behind a name that have a part in theirs, in any letter case; a name is ASCII.
SELECT id, name, created, revision, schemas, resource_types, requirements FROM directory
WHERE name > ?2 AND instr(lower(name), ?1) > 0 AND removed IS NULL
ORDER BY name
LIMIT ?3;

-- name: directory_names
-- The names of the directories of a JSON list of ids, also of those that were deleted.
SELECT id, name FROM directory WHERE id IN (SELECT value FROM json_each(?1));

-- name: insert_directory
-- Add a directory without definitions of its own.
INSERT INTO directory (name, created, revision, schemas, resource_types) VALUES (?1, ?2, 1, '[]', '[]')
RETURNING id, name, created, revision, schemas, resource_types, requirements;

-- name: define_directory
-- Replace what a directory defines and asks for, unless it has moved on.
UPDATE directory SET schemas = ?3, resource_types = ?4, requirements = ?5, revision = revision + 1
WHERE id = ?1 AND revision = ?2 AND removed IS NULL
RETURNING id, name, created, revision, schemas, resource_types, requirements;

-- name: connections
-- A directory's connections.
SELECT id, directory, name, created, profile, reach, on_delete, limits, state, state_by, state_reason, state_since
FROM connection
WHERE directory = ?1
ORDER BY name;

-- name: get_connection
-- A directory's connection by id.
SELECT id, directory, name, created, profile, reach, on_delete, limits, state, state_by, state_reason, state_since
FROM connection
WHERE directory = ?1 AND id = ?2;

-- name: connection_named
-- A directory's connection by name.
SELECT id, directory, name, created, profile, reach, on_delete, limits, state, state_by, state_reason, state_since
FROM connection
WHERE directory = ?1 AND name = ?2;

-- name: connection_page
-- A directory's connections behind a name.
SELECT id, directory, name, created, profile, reach, on_delete, limits, state, state_by, state_reason, state_since
FROM connection
WHERE directory = ?1 AND name > ?2
ORDER BY name
LIMIT ?3;

-- name: connection_names
-- What a directory's connections are called, and those that were deleted were.
SELECT id, name FROM connection WHERE directory = ?1
UNION ALL
SELECT id, name FROM removed_connection WHERE directory = ?1;

-- name: insert_connection
-- Add a connection, with a number that no connection had before.
INSERT INTO connection (id, directory, name, created, profile, reach, on_delete, limits)
VALUES (
    1 + max(
        coalesce((SELECT max(id) FROM connection), 0), coalesce((SELECT max(id) FROM removed_connection), 0)
    ),
    ?1, ?2, ?3, ?4, ?5, ?6, ?7
)
RETURNING id, directory, name, created, profile, reach, on_delete, limits,
    state, state_by, state_reason, state_since;

-- name: update_connection
-- Replace a connection's name, profile and policy.
UPDATE connection SET profile = ?3, reach = ?4, on_delete = ?5, limits = ?6, name = ?7
WHERE directory = ?1 AND id = ?2;

-- name: connection_standing
-- How a connection stands, and the revision of what its directory defines.
SELECT c.state, c.state_by, c.state_reason, c.state_since, d.revision
FROM connection AS c JOIN directory AS d ON d.id = c.directory
WHERE c.directory = ?1 AND c.id = ?2;

-- name: connection_removed
-- Since when a connection is deleted.
SELECT removed FROM removed_connection WHERE directory = ?1 AND id = ?2;

-- name: directory_revision
-- The revision of what a directory defines.
SELECT revision FROM directory WHERE id = ?1;

-- name: set_connection_standing
-- Make a connection stand otherwise.
UPDATE connection SET state = ?3, state_by = ?4, state_reason = ?5, state_since = ?6
WHERE directory = ?1 AND id = ?2;

-- name: loss
-- What a connection has taken away in its present window.
SELECT began, lost, live FROM fuse_window WHERE directory = ?1 AND connection = ?2;

-- name: set_loss
-- Replace what a connection has taken away.
INSERT INTO fuse_window (directory, connection, began, lost, live) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (directory, connection) DO UPDATE
SET began = excluded.began, lost = excluded.lost, live = excluded.live;

-- name: forget_loss
-- A connection has taken nothing away.
DELETE FROM fuse_window WHERE directory = ?1 AND connection = ?2;

-- name: tokens
-- A directory's tokens, newest first; of one connection, or of all (NULL).
SELECT id, directory, connection, digest, label, scopes, created, expires, last_used, revoked, client FROM token
WHERE directory = ?1 AND (?2 IS NULL OR connection = ?2)
ORDER BY created DESC, id;

-- name: get_token
-- A directory's token.
SELECT id, directory, connection, digest, label, scopes, created, expires, last_used, revoked, client FROM token
WHERE directory = ?1 AND id = ?2;

-- name: token_page
-- A connection's tokens behind a time of creation and an id, newest first.
SELECT id, directory, connection, digest, label, scopes, created, expires, last_used, revoked, client FROM token
WHERE directory = ?1 AND connection = ?2 AND created <= ?3 AND (created < ?3 OR id > ?4)
ORDER BY created DESC, id
LIMIT ?5;

-- name: insert_token
-- Keep a token.
INSERT INTO token (id, directory, connection, digest, label, scopes, created, expires, last_used, revoked, client)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);

-- name: revoke_token
-- Revoke a token, unless it is by then.
UPDATE token SET revoked = ?3 WHERE directory = ?1 AND id = ?2 AND (revoked IS NULL OR revoked > ?3);

-- name: note_use
-- Move the last use of a token forward.
UPDATE token SET last_used = max(coalesce(last_used, 0), ?2) WHERE id = ?1;

-- name: expired_tokens
-- Some tokens that expired before a time.
SELECT id FROM token WHERE expires < ?1 ORDER BY expires LIMIT ?2;

-- name: delete_tokens
-- Remove the tokens of a JSON list.
DELETE FROM token WHERE id IN (SELECT value FROM json_each(?1));

-- name: get_secret
-- A key of the installation.
SELECT value FROM secret WHERE name = ?1;

-- name: insert_secret
-- Keep a key unless there is one already.
INSERT INTO secret (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING;
