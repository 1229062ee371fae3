-- Administrators and log-ins that failed, as PostgreSQL says it.

-- name: administrator_page
-- Administrators by folded name, behind one; of a directory, or all (NULL).
SELECT id, name, role, directory, password, issuer, subject, created, disabled, last_login, revision,
    second_factor
FROM administrator
WHERE folded > $2 AND ($1::bigint IS NULL OR directory = $1)
ORDER BY folded
LIMIT $3;

-- name: lock_owners
-- Who may change everything; nobody else changes them until this transaction has ended.
SELECT id FROM administrator
WHERE role = 'owner' AND directory IS NULL AND disabled IS NULL
ORDER BY id
FOR NO KEY UPDATE;

-- name: note_login
-- Move the last log-in of an administrator forward, unless it was changed since $3.
UPDATE administrator SET last_login = greatest(last_login, $2) WHERE id = $1 AND revision = $3;

-- name: get_failures
-- How many log-ins failed at places, and when the last ones did.
SELECT count, last FROM login_failure WHERE who = ANY ($1::text[]);

-- name: count_failure
-- Count a log-in as failed at places until it is known; those before $3 are forgotten.
INSERT INTO login_failure AS f (who, count, last) SELECT who, 1, $2::bigint FROM unnest($1::text[]) AS who
ON CONFLICT (who) DO UPDATE
SET count = CASE WHEN f.last < $3 THEN 1 ELSE f.count + 1 END, last = greatest(f.last, $2)
RETURNING who, count;

-- name: uncount_failure
-- It did not fail after all.
UPDATE login_failure SET count = greatest(count - 1, 0) WHERE who = $1;
