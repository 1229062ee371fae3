-- API keys, and what came of requests with an idempotency key.

-- name: get_api_key
-- An API key.
SELECT id, digest, directory, label, scopes, created, expires, last_used, revoked FROM api_key
WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM directory AS d WHERE d.id = api_key.directory AND d.removed IS NOT NULL);

-- name: api_keys
-- All API keys, newest first.
SELECT id, digest, directory, label, scopes, created, expires, last_used, revoked FROM api_key
WHERE NOT EXISTS (SELECT 1 FROM directory AS d WHERE d.id = api_key.directory AND d.removed IS NOT NULL)
ORDER BY created DESC, id;

-- name: api_key_page
-- API keys behind a time of creation and an id, newest first.
SELECT id, digest, directory, label, scopes, created, expires, last_used, revoked FROM api_key
WHERE created <= ?1 AND (created < ?1 OR id > ?2)
    AND NOT EXISTS (SELECT 1 FROM directory AS d WHERE d.id = api_key.directory AND d.removed IS NOT NULL)
ORDER BY created DESC, id
LIMIT ?3;

-- name: api_key_page_of
-- API keys bound to a directory behind a time of creation and an id, newest first.
SELECT id, digest, directory, label, scopes, created, expires, last_used, revoked FROM api_key
WHERE directory = ?1 AND created <= ?2 AND (created < ?2 OR id > ?3)
ORDER BY created DESC, id
LIMIT ?4;

-- name: insert_api_key
-- Keep an API key.
INSERT INTO api_key (id, digest, directory, label, scopes, created, expires, last_used, revoked)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: revoke_api_key
-- Revoke an API key, unless it is by then.
UPDATE api_key SET revoked = ?2 WHERE id = ?1 AND (revoked IS NULL OR revoked > ?2);

-- name: note_key_use
-- Move the last use of an API key forward.
UPDATE api_key SET last_used = max(coalesce(last_used, 0), ?2) WHERE id = ?1;

-- name: get_replay
-- What came of a request with an idempotency key.
SELECT digest, status, body FROM replay WHERE api_key = ?1 AND name = ?2;

-- name: insert_replay
-- Begin a request with an idempotency key.
INSERT INTO replay (api_key, name, digest, begun, directory) VALUES (?1, ?2, ?3, ?4, ?5);

-- name: settle_replay
-- Keep what came of it.
UPDATE replay SET status = ?3, body = ?4 WHERE api_key = ?1 AND name = ?2;

-- name: kept_replies
-- Replies of requests with an idempotency key, to a directory or to none.
SELECT api_key, name, body FROM replay WHERE body IS NOT NULL AND (directory IS NULL OR directory = ?1);

-- name: empty_reply
-- Keep a reply no more, but that there was one.
UPDATE replay SET body = NULL WHERE api_key = ?1 AND name = ?2;

-- name: delete_replay
-- Forget it.
DELETE FROM replay WHERE api_key = ?1 AND name = ?2;

-- name: forget_replays
-- Forget those begun before a time.
DELETE FROM replay WHERE begun < ?1;
