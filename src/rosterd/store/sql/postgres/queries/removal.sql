-- Directories that are deleted, as PostgreSQL says it: whoever changes one of them waits for whoever deletes it.

-- name: is_removed
-- Whether a directory was deleted; if not, nobody deletes it until this transaction has ended.
SELECT removed IS NOT NULL FROM directory WHERE id = $1 FOR KEY SHARE;

-- name: removable_directory
-- The name of a directory that was not deleted yet; nobody else changes it until this transaction has ended.
SELECT name FROM directory WHERE id = $1 AND removed IS NULL FOR UPDATE;

-- name: take_removed
-- Nobody else takes a portion of a deleted directory away until this transaction has ended.
SELECT 1 FROM directory WHERE id = $1 AND removed IS NOT NULL FOR NO KEY UPDATE;

-- name: end_lines
-- Whoever has the lease of one of its lines has lost it; in the order in which everybody locks them.
WITH own AS (
    SELECT directory, webhook, lane FROM webhook_line WHERE directory = $1
    ORDER BY directory, webhook, lane
    FOR UPDATE
)

DELETE FROM webhook_line AS l USING own
WHERE l.directory = $1 AND l.webhook = own.webhook AND l.lane = own.lane;

-- name: clear_webhook_attempt
-- Take the entries of a list away.
DELETE FROM webhook_attempt WHERE seq = ANY ($1::bigint[]);

-- name: clear_resource
-- Take a portion of its resources away.
DELETE FROM resource
WHERE directory = $1 AND id <= (
    SELECT id FROM (
        SELECT id FROM resource WHERE directory = $1 ORDER BY id LIMIT $2
    ) AS portion
    ORDER BY id DESC LIMIT 1
);

-- name: clear_bookmark
-- Take a portion of the places away that its connections' walks are at.
DELETE FROM bookmark
WHERE directory = $1 AND (connection, slot) <= (
    SELECT connection, slot FROM (
        SELECT connection, slot FROM bookmark WHERE directory = $1 ORDER BY connection, slot LIMIT $2
    ) AS portion
    ORDER BY connection DESC, slot DESC LIMIT 1
);
