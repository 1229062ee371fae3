-- Set-up links.

-- name: get_setup_link
-- A set-up link.
SELECT id, directory, connection, digest, label, created, expires, last_used, revoked
FROM setup_link WHERE id = ?1;

-- name: setup_link_page
-- A connection's set-up links behind a time of creation and an id, newest first.
SELECT id, directory, connection, digest, label, created, expires, last_used, revoked
FROM setup_link
WHERE directory = ?1 AND connection = ?2 AND created <= ?3 AND (created < ?3 OR id > ?4)
ORDER BY created DESC, id
LIMIT ?5;

-- name: insert_setup_link
-- Keep a new set-up link.
INSERT INTO setup_link (id, directory, connection, digest, label, created, expires, last_used, revoked)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: note_link_use
-- Move the last use of a set-up link forward.
UPDATE setup_link SET last_used = max(coalesce(last_used, 0), ?2) WHERE id = ?1;

-- name: revoke_setup_link
-- Revoke a set-up link of a directory that was not.
UPDATE setup_link SET revoked = ?3 WHERE directory = ?1 AND id = ?2 AND revoked IS NULL;
