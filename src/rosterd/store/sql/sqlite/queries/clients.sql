-- Clients of the Token Provider and their secrets.

-- name: get_client
-- A client with its secrets, the newest first.
SELECT c.id, c.directory, c.connection, c.label, c.scopes, c.created, c.last_used, c.revoked,
    s.digest, s.created, s.expires
FROM client AS c LEFT JOIN client_secret AS s ON s.client = c.id
WHERE c.id = ?1
ORDER BY s.created DESC, s.digest;

-- name: clients
-- A directory's clients with their secrets, newest first; of one connection, or of all (NULL).
SELECT c.id, c.directory, c.connection, c.label, c.scopes, c.created, c.last_used, c.revoked,
    s.digest, s.created, s.expires
FROM client AS c LEFT JOIN client_secret AS s ON s.client = c.id
WHERE c.directory = ?1 AND (?2 IS NULL OR c.connection = ?2)
ORDER BY c.created DESC, c.id, s.created DESC, s.digest;

-- name: client_page
-- The ids of a connection's clients behind a time of creation and an id, newest first.
SELECT id, created FROM client
WHERE directory = ?1 AND connection = ?2 AND created <= ?3 AND (created < ?3 OR id > ?4)
ORDER BY created DESC, id
LIMIT ?5;

-- name: insert_client
-- Keep a client.
INSERT INTO client (id, directory, connection, label, scopes, created, last_used, revoked)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- name: insert_client_secret
-- Keep a secret of a client.
INSERT INTO client_secret (client, digest, created, expires) VALUES (?1, ?2, ?3, ?4);

-- name: end_client_secrets
-- All secrets of a directory's client end at ?3, if not earlier.
UPDATE client_secret SET expires = min(coalesce(expires, ?3), ?3)
WHERE client = (SELECT id FROM client WHERE directory = ?1 AND id = ?2);

-- name: forget_client_secrets
-- Remove the secrets of a directory's client that ended by ?3.
DELETE FROM client_secret
WHERE client = (SELECT id FROM client WHERE directory = ?1 AND id = ?2) AND expires <= ?3;

-- name: note_client_use
-- Move the last use of a client forward, unless it is revoked.
UPDATE client SET last_used = max(coalesce(last_used, 0), ?3)
WHERE directory = ?1 AND id = ?2 AND (revoked IS NULL OR revoked > ?3);

-- name: revoke_client
-- Revoke a client, unless it is by then.
UPDATE client SET revoked = ?3 WHERE directory = ?1 AND id = ?2 AND (revoked IS NULL OR revoked > ?3);

-- name: return_token
-- Revoke a token that its client gives back; the earlier time counts.
UPDATE token SET revoked = min(coalesce(revoked, ?2), ?2) WHERE id = ?1;

-- name: revoke_client_tokens
-- Revoke what a client was issued and has not expired; the earlier time counts.
UPDATE token SET revoked = min(coalesce(revoked, ?3), ?3)
WHERE directory = ?1 AND client = ?2 AND expires > ?3;
