-- Clients of the Token Provider, as PostgreSQL says it.

-- name: clients
-- A directory's clients with their secrets, newest first; of one connection, or of all (NULL).
SELECT c.id, c.directory, c.connection, c.label, c.scopes, c.created, c.last_used, c.revoked,
    s.digest, s.created, s.expires
FROM client AS c LEFT JOIN client_secret AS s ON s.client = c.id
WHERE c.directory = $1 AND ($2::bigint IS NULL OR c.connection = $2)
ORDER BY c.created DESC, c.id, s.created DESC, s.digest;

-- name: client_page
-- A connection's clients behind a time of creation and an id with their secrets, newest first.
WITH page AS (
    SELECT * FROM client
    WHERE directory = $1 AND connection = $2 AND created <= $3 AND (created < $3 OR id > $4)
    ORDER BY created DESC, id
    LIMIT $5
)

SELECT c.id, c.directory, c.connection, c.label, c.scopes, c.created, c.last_used, c.revoked,
    s.digest, s.created, s.expires
FROM page AS c LEFT JOIN client_secret AS s ON s.client = c.id
ORDER BY c.created DESC, c.id, s.created DESC, s.digest;

-- name: lock_client
-- Whether a directory has a client; nobody else changes it or fetches a token until this transaction has ended.
SELECT id FROM client WHERE directory = $1 AND id = $2 FOR NO KEY UPDATE;

-- name: end_client_secrets
-- All secrets of a directory's client end at $3, if not earlier.
UPDATE client_secret SET expires = least(expires, $3)
WHERE client = (SELECT id FROM client WHERE directory = $1 AND id = $2);

-- name: note_client_use
-- Move the last use of a client forward, unless it is revoked.
UPDATE client SET last_used = greatest(last_used, $3)
WHERE directory = $1 AND id = $2 AND (revoked IS NULL OR revoked > $3);

-- name: return_token
-- Revoke a token that its client gives back; the earlier time counts.
UPDATE token SET revoked = least(revoked, $2) WHERE id = $1;

-- name: revoke_client_tokens
-- Revoke what a client was issued and has not expired; the earlier time counts.
UPDATE token SET revoked = least(revoked, $3) WHERE directory = $1 AND client = $2 AND expires > $3;
