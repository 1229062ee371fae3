-- The audit log of administrative changes.

-- name: insert_audit
-- Write down an administrative change.
INSERT INTO audit (directory, at, actor_kind, actor_name, actor_id, address, request_id, action, target, data)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- name: audit_all
-- Entries of every directory and of the installation, newest first, below a number.
SELECT seq, directory, at, actor_kind, actor_name, actor_id, address, request_id, action, target, data
FROM audit
WHERE seq < ?1 AND action GLOB ?2
ORDER BY seq DESC
LIMIT ?3;

-- name: audit_of
-- A directory's entries, newest first, below a number.
SELECT seq, directory, at, actor_kind, actor_name, actor_id, address, request_id, action, target, data
FROM audit
WHERE directory = ?1 AND seq < ?2 AND action GLOB ?3
ORDER BY seq DESC
LIMIT ?4;
