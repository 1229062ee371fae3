-- Directories, connections, tokens and turns, as PostgreSQL says it.

-- name: take_turns
-- Whoever takes one of these names too waits until this transaction has ended; given in their order.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' ' || name, 0)) FROM unnest($1::text[]) AS name;

-- name: directory_search
-- Directories behind a name that have a part in theirs, in any letter case; a name is ASCII.
SELECT id, name, created, revision, schemas, resource_types, requirements FROM directory
WHERE name > $2 AND strpos(lower(name), $1) > 0 AND removed IS NULL
ORDER BY name
LIMIT $3;

-- name: directory_names
-- The names of the directories of a list of ids, also of those that were deleted.
SELECT id, name FROM directory WHERE id = ANY ($1::bigint[]);

-- name: insert_connection
-- Add a connection.
INSERT INTO connection (directory, name, created, profile, reach, on_delete, limits)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id, directory, name, created, profile, reach, on_delete, limits,
    state, state_by, state_reason, state_since;

-- name: lock_connection
-- A directory's connection by id; nobody else changes it until this transaction has ended.
SELECT id, directory, name, created, profile, reach, on_delete, limits, state, state_by, state_reason, state_since
FROM connection
WHERE directory = $1 AND id = $2
FOR NO KEY UPDATE;

-- name: tokens
-- A directory's tokens, newest first; of one connection, or of all (NULL).
SELECT id, directory, connection, digest, label, scopes, created, expires, last_used, revoked, client FROM token
WHERE directory = $1 AND ($2::bigint IS NULL OR connection = $2)
ORDER BY created DESC, id;

-- name: lock_token
-- Whether a directory has a token; nobody else changes it until this transaction has ended.
SELECT id FROM token WHERE directory = $1 AND id = $2 FOR NO KEY UPDATE;

-- name: note_use
-- Move the last use of tokens forward; in the order of their ids, as everybody does who moves many.
WITH used AS (
    SELECT t.id, u.at
    FROM unnest($1::text[], $2::bigint[]) AS u (id, at)
    JOIN token AS t ON t.id = u.id
    ORDER BY t.id
    FOR NO KEY UPDATE OF t
)

UPDATE token SET last_used = greatest(token.last_used, used.at) FROM used WHERE token.id = used.id;

-- name: delete_tokens
-- Remove the tokens of a list.
DELETE FROM token WHERE id = ANY ($1::text[]);
