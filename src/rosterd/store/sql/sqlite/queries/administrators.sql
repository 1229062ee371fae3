-- Administrators of the console, and log-ins that failed.

-- name: get_administrator
-- An administrator by id.
SELECT id, name, role, directory, password, issuer, subject, created, disabled, last_login, revision,
    second_factor
FROM administrator WHERE id = ?1;

-- name: administrator_named
-- An administrator by the folded name.
SELECT id, name, role, directory, password, issuer, subject, created, disabled, last_login, revision,
    second_factor
FROM administrator WHERE folded = ?1;

-- name: administrator_linked
-- An administrator by what an identity provider calls them.
SELECT id, name, role, directory, password, issuer, subject, created, disabled, last_login, revision,
    second_factor
FROM administrator WHERE issuer = ?1 AND subject = ?2;

-- name: administrator_page
-- Administrators by folded name, behind one; of a directory, or all (NULL).
SELECT id, name, role, directory, password, issuer, subject, created, disabled, last_login, revision,
    second_factor
FROM administrator
WHERE folded > ?2 AND (?1 IS NULL OR directory = ?1)
ORDER BY folded
LIMIT ?3;

-- name: insert_administrator
-- Keep a new administrator.
INSERT INTO administrator
    (id, name, folded, role, directory, password, issuer, subject, created, disabled, last_login, revision,
    second_factor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13);

-- name: update_administrator
-- Replace what can be changed of an administrator, unless it was changed since ?9.
UPDATE administrator
SET role = ?2, directory = ?3, password = ?4, issuer = ?5, subject = ?6, disabled = ?7, revision = ?8,
    second_factor = ?10
WHERE id = ?1 AND revision = ?9;

-- name: delete_administrator
-- Remove an administrator, and the sessions with it.
DELETE FROM administrator WHERE id = ?1;

-- name: note_login
-- Move the last log-in of an administrator forward, unless it was changed since ?3.
UPDATE administrator SET last_login = max(coalesce(last_login, 0), ?2) WHERE id = ?1 AND revision = ?3;

-- name: use_second_factor
-- Keep what a code that was used leaves of a second factor; nothing of it counts twice.
UPDATE administrator SET second_factor = ?2, revision = revision + 1 WHERE id = ?1;

-- name: is_owned
-- Whether anybody may change everything: an enabled owner without a directory.
SELECT EXISTS (SELECT 1 FROM administrator WHERE role = 'owner' AND directory IS NULL AND disabled IS NULL);

-- name: get_failures
-- How many log-ins failed there, and when the last one did.
SELECT count, last FROM login_failure WHERE who = ?1;

-- name: count_failure
-- Count a log-in as failed until it is known; those before ?3 are forgotten.
INSERT INTO login_failure (who, count, last) VALUES (?1, 1, ?2)
ON CONFLICT (who) DO UPDATE SET count = CASE WHEN last < ?3 THEN 1 ELSE count + 1 END, last = max(last, ?2)
RETURNING count;

-- name: uncount_failure
-- It did not fail after all.
UPDATE login_failure SET count = max(count - 1, 0) WHERE who = ?1;

-- name: keep_ticket
-- Keep a ticket.
INSERT INTO login_ticket (digest, administrator, revision, expires) VALUES (?1, ?2, ?3, ?4);

-- name: get_ticket
-- A ticket by its digest.
SELECT administrator, revision, expires FROM login_ticket WHERE digest = ?1;

-- name: forget_tickets
-- Forget tickets that have ended.
DELETE FROM login_ticket WHERE expires <= ?1;

-- name: forget_failures
-- Forget those for or from somewhere.
DELETE FROM login_failure WHERE who = ?1;

-- name: has_failures
-- Whether there is anything to forget: a failure before a time, or more than ?2.
SELECT EXISTS (SELECT 1 FROM login_failure WHERE last < ?1)
    OR EXISTS (SELECT 1 FROM login_failure LIMIT 1 OFFSET ?2);

-- name: forget_old_failures
-- Forget those before a time, and all but the newest ?2 or fewer.
DELETE FROM login_failure
WHERE last < ?1
    OR last <= (SELECT last FROM login_failure ORDER BY last DESC LIMIT 1 OFFSET ?2);
