-- The audit log, as PostgreSQL says it.

-- name: audit_all
-- Entries of every directory and of the installation, newest first, below a number.
SELECT seq, directory, at, actor_kind, actor_name, actor_id, address, request_id, action, target, data
FROM audit
WHERE seq < $1 AND action LIKE replace(replace($2, '_', '\_'), '*', '%')
ORDER BY seq DESC
LIMIT $3;

-- name: audit_of
-- A directory's entries, newest first, below a number.
SELECT seq, directory, at, actor_kind, actor_name, actor_id, address, request_id, action, target, data
FROM audit
WHERE directory = $1 AND seq < $2 AND action LIKE replace(replace($3, '_', '\_'), '*', '%')
ORDER BY seq DESC
LIMIT $4;
