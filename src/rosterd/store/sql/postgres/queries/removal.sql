-- Directories that are deleted, as PostgreSQL says it: whoever changes one of them waits for whoever deletes it. A
-- portion is what lies up to its last key, so that it is found by the table's key and not by a join.

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
    ) AS page
    ORDER BY id DESC LIMIT 1
);

-- name: clear_bookmark
-- Take a portion of the places away that its connections' walks are at.
DELETE FROM bookmark
WHERE directory = $1 AND (connection, slot) <= (
    SELECT connection, slot FROM (
        SELECT connection, slot FROM bookmark WHERE directory = $1 ORDER BY connection, slot LIMIT $2
    ) AS page
    ORDER BY connection DESC, slot DESC LIMIT 1
);

-- name: clear_request_hour
-- Take a portion of its hours of its request log away.
DELETE FROM request_hour
WHERE directory = $1 AND (connection, hour) <= (
    SELECT connection, hour FROM (
        SELECT connection, hour FROM request_hour WHERE directory = $1 ORDER BY connection, hour LIMIT $2
    ) AS page
    ORDER BY connection DESC, hour DESC LIMIT 1
);

-- name: clear_webhook_dead
-- Take a portion of its dead letters away.
DELETE FROM webhook_dead
WHERE directory = $1 AND (webhook, first) <= (
    SELECT webhook, first FROM (
        SELECT webhook, first FROM webhook_dead WHERE directory = $1 ORDER BY webhook, first LIMIT $2
    ) AS page
    ORDER BY webhook DESC, first DESC LIMIT 1
);

-- name: clear_set_ack
-- Take a portion of its receipts away.
DELETE FROM set_ack
WHERE directory = $1 AND (webhook, seq) <= (
    SELECT webhook, seq FROM (
        SELECT webhook, seq FROM set_ack WHERE directory = $1 ORDER BY webhook, seq LIMIT $2
    ) AS page
    ORDER BY webhook DESC, seq DESC LIMIT 1
);

-- name: clear_pending_member
-- Take a portion of its pending members away.
DELETE FROM pending_member
WHERE directory = $1 AND (group_id, value) <= (
    SELECT group_id, value FROM (
        SELECT group_id, value FROM pending_member WHERE directory = $1 ORDER BY group_id, value LIMIT $2
    ) AS page
    ORDER BY group_id DESC, value DESC LIMIT 1
);

-- name: clear_member
-- Take a portion of its members away.
DELETE FROM member
WHERE directory = $1 AND (group_id, member_id) <= (
    SELECT group_id, member_id FROM (
        SELECT group_id, member_id FROM member WHERE directory = $1 ORDER BY group_id, member_id LIMIT $2
    ) AS page
    ORDER BY group_id DESC, member_id DESC LIMIT 1
);

-- name: clear_attribute_value
-- Take a portion of its values that are looked up away.
DELETE FROM attribute_value
WHERE directory = $1 AND (kind, attribute, value, id) <= (
    SELECT kind, attribute, value, id FROM (
        SELECT kind, attribute, value, id FROM attribute_value
        WHERE directory = $1
        ORDER BY kind, attribute, value, id
        LIMIT $2
    ) AS page
    ORDER BY kind DESC, attribute DESC, value DESC, id DESC LIMIT 1
);

-- name: clear_unique_value
-- Take a portion of its unique values away.
DELETE FROM unique_value
WHERE directory = $1 AND (kind, attribute, value) <= (
    SELECT kind, attribute, value FROM (
        SELECT kind, attribute, value FROM unique_value WHERE directory = $1 ORDER BY kind, attribute, value LIMIT $2
    ) AS page
    ORDER BY kind DESC, attribute DESC, value DESC LIMIT 1
);

-- name: clear_erasure
-- Take a portion of its erasures away.
DELETE FROM erasure
WHERE directory = $1 AND (kind, id) <= (
    SELECT kind, id FROM (
        SELECT kind, id FROM erasure WHERE directory = $1 ORDER BY kind, id LIMIT $2
    ) AS page
    ORDER BY kind DESC, id DESC LIMIT 1
);

-- name: removable_connection
-- The name of a directory's connection; nobody else changes it, or gives it anything, until this transaction has ended.
SELECT name FROM connection WHERE directory = $1 AND id = $2 FOR UPDATE;

-- name: drop_tokens
-- A connection's tokens are not known any more; in the order of their ids, as everybody does who changes many.
WITH own AS (
    SELECT id FROM token WHERE directory = $1 AND connection = $2
    ORDER BY id
    FOR UPDATE
)

DELETE FROM token USING own WHERE token.id = own.id;

-- name: hand_over_many
-- Make resources of a list another connection's.
UPDATE resource SET connection = $3
WHERE directory = $1 AND connection = $2 AND id = ANY ($4::text::text[])
RETURNING kind, deleted IS NULL;
