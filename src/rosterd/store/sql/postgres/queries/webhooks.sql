-- Webhooks, as PostgreSQL says it: several lanes a statement, each locked before it is moved.

-- name: get_webhook
-- An endpoint: a directory's own, or with NULL any.
SELECT
    id, directory, url, label, types, created, max_events, max_wait,
    state, state_by, state_reason, state_since, failing
FROM webhook
WHERE id = $1 AND ($2::bigint IS NULL OR directory = $2) AND NOT EXISTS (
    SELECT 1 FROM directory AS d WHERE d.id = webhook.directory AND d.removed IS NOT NULL
);

-- name: webhook_secrets
-- The secrets of endpoints of a list, newest first.
SELECT webhook, sealed, scheme, created, public, expires
FROM webhook_secret
WHERE webhook = ANY ($1::text[])
ORDER BY webhook, created DESC, sealed;

-- name: lock_webhook
-- Whether there is an endpoint; nobody else changes it until this transaction has ended.
SELECT id FROM webhook WHERE id = $1 FOR NO KEY UPDATE;

-- name: hold_webhooks
-- The endpoints of a list that there are; nobody removes them until this transaction has ended.
SELECT id FROM webhook WHERE id = ANY ($1::text[]) ORDER BY id FOR KEY SHARE;

-- name: begin_lines
-- A new endpoint's lines begin at the present end of every directory it hears of.
INSERT INTO webhook_line (
    directory, webhook, lane, kind, cursor, fixed, attempt, due, lost, worker, until
)
SELECT
    d.id, $1, 0, 'feed', coalesce((SELECT value FROM counter WHERE directory = d.id AND name = 'seq'), 0),
    0, 0, 0, 0, '', 0
FROM directory AS d
WHERE d.removed IS NULL AND ($2::bigint IS NULL OR d.id = $2);

-- name: end_webhook_secrets
-- The secrets there are end at a time, or earlier.
UPDATE webhook_secret SET expires = least(expires, $2) WHERE webhook = $1;

-- name: has_webhooks
-- Whether any endpoint is enabled that messages are sent to, or any handler of a list.
SELECT 1 FROM webhook
WHERE state = 'enabled' AND CASE WHEN $1::text[] IS NULL THEN url ILIKE 'http%' ELSE id = ANY ($1) END
LIMIT 1;

-- name: due_lines
-- Lanes that nobody works on, with news or a retry that is due; so many of each endpoint, longest due first;
-- a lease that ends later than one can last ($4) was taken before the clock was set back, and holds no more;
-- of endpoints that messages are sent to, or of the handlers in a list.
WITH lane AS (
    SELECT
        d.id AS directory, w.id AS webhook, 0 AS lane, coalesce(l.cursor, 0) AS cursor,
        coalesce(l.attempt, 0) AS attempt, coalesce(l.due, 0) AS due, c.value AS last,
        w.max_events AS max_events, w.max_wait AS max_wait
    FROM webhook AS w
    JOIN directory AS d ON d.removed IS NULL AND (w.directory IS NULL OR d.id = w.directory)
    JOIN counter AS c ON c.directory = d.id AND c.name = 'seq'
    LEFT JOIN webhook_line AS l ON l.directory = d.id AND l.webhook = w.id AND l.lane = 0
    WHERE
        w.state = 'enabled' AND c.value > coalesce(l.cursor, 0)
        AND CASE WHEN $3::text[] IS NULL THEN w.url ILIKE 'http%' ELSE w.id = ANY ($3) END
        AND coalesce(l.due, 0) <= $1 AND coalesce(l.until, 0) NOT BETWEEN $1::bigint + 1 AND $4
    UNION ALL
    SELECT
        l.directory, l.webhook, l.lane, l.cursor, l.attempt, l.due, l.finish, w.max_events, 0
    FROM webhook_line AS l
    JOIN webhook AS w ON w.id = l.webhook
    WHERE
        l.lane > 0 AND w.state = 'enabled' AND l.due <= $1 AND l.until NOT BETWEEN $1::bigint + 1 AND $4
        AND CASE WHEN $3::text[] IS NULL THEN w.url ILIKE 'http%' ELSE w.id = ANY ($3) END
),

ranked AS (
    SELECT *, row_number() OVER (PARTITION BY webhook ORDER BY due, directory, lane) AS place FROM lane
)

SELECT directory, webhook, lane, cursor, attempt, last, max_events, max_wait
FROM ranked
WHERE place <= $2
ORDER BY due, place;

-- name: due_lines_of
-- The same of a list of directories, replays left out, at a cost that does not grow with the others.
WITH lane AS (
    SELECT
        d.id AS directory, w.id AS webhook, 0 AS lane, coalesce(l.cursor, 0) AS cursor,
        coalesce(l.attempt, 0) AS attempt, coalesce(l.due, 0) AS due, c.value AS last,
        w.max_events AS max_events, w.max_wait AS max_wait
    FROM directory AS d
    JOIN counter AS c ON c.directory = d.id AND c.name = 'seq'
    JOIN webhook AS w ON w.directory IS NULL OR w.directory = d.id
    LEFT JOIN webhook_line AS l ON l.directory = d.id AND l.webhook = w.id AND l.lane = 0
    WHERE
        d.id = ANY ($2::bigint[]) AND d.removed IS NULL AND w.state = 'enabled' AND c.value > coalesce(l.cursor, 0)
        AND CASE WHEN $4::text[] IS NULL THEN w.url ILIKE 'http%' ELSE w.id = ANY ($4) END
        AND coalesce(l.due, 0) <= $1 AND coalesce(l.until, 0) NOT BETWEEN $1::bigint + 1 AND $5
),

ranked AS (
    SELECT *, row_number() OVER (PARTITION BY webhook ORDER BY due, directory) AS place FROM lane
)

SELECT directory, webhook, lane, cursor, attempt, last, max_events, max_wait
FROM ranked
WHERE place <= $3
ORDER BY due, place;

-- name: claim_line
-- Take the leases of lanes on which nobody works, leaving those out that somebody else is just taking;
-- lane 0 begins to exist with that.
WITH wanted AS (
    SELECT k.directory, k.webhook, k.lane
    FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS k (directory, webhook, lane)
    JOIN webhook AS w ON w.id = k.webhook AND w.state = 'enabled'
    WHERE NOT EXISTS (SELECT 1 FROM directory AS d WHERE d.id = k.directory AND d.removed IS NOT NULL)
),

free AS (
    SELECT l.directory, l.webhook, l.lane
    FROM webhook_line AS l JOIN wanted USING (directory, webhook, lane)
    WHERE l.until NOT BETWEEN $5::bigint + 1 AND $7
    ORDER BY l.directory, l.webhook, l.lane
    FOR NO KEY UPDATE OF l SKIP LOCKED
),

taken AS (
    UPDATE webhook_line AS l SET worker = $4, until = $6 FROM free
    WHERE l.directory = free.directory AND l.webhook = free.webhook AND l.lane = free.lane
    RETURNING l.directory, l.webhook, l.lane,
        l.kind, l.cursor, l.finish, l.fixed, l.attempt, l.due, l.lost, l.lost_at
),

made AS (
    INSERT INTO webhook_line AS l (
        directory, webhook, lane, kind, cursor, fixed, attempt, due, lost, worker, until
    )
    SELECT directory, webhook, lane, 'feed', 0, 0, 0, 0, 0, $4, $6 FROM wanted
    WHERE lane = 0 AND NOT EXISTS (
        SELECT 1 FROM webhook_line AS o
        WHERE o.directory = wanted.directory AND o.webhook = wanted.webhook AND o.lane = 0
    )
    ORDER BY directory, webhook
    ON CONFLICT (directory, webhook, lane) DO NOTHING
    RETURNING l.directory, l.webhook, l.lane,
        l.kind, l.cursor, l.finish, l.fixed, l.attempt, l.due, l.lost, l.lost_at
)

SELECT * FROM taken UNION ALL SELECT * FROM made;

-- name: note_line
-- Where lanes stand, those whose lease the worker still has.
WITH mine AS (
    SELECT n.*
    FROM unnest(
        $1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::bigint[], $9::bigint[]
    ) AS n (directory, webhook, lane, cursor, fixed, attempt, due, lost, lost_at)
    JOIN webhook_line AS l USING (directory, webhook, lane)
    WHERE l.worker = $10
    ORDER BY n.directory, n.webhook, n.lane
    FOR NO KEY UPDATE OF l
)

UPDATE webhook_line AS l
SET cursor = n.cursor, fixed = n.fixed, attempt = n.attempt, due = n.due, lost = n.lost, lost_at = n.lost_at,
    until = $11
FROM mine AS n
WHERE l.directory = n.directory AND l.webhook = n.webhook AND l.lane = n.lane AND l.worker = $10
RETURNING l.directory, l.webhook, l.lane;

-- name: release_line
-- End leases.
UPDATE webhook_line AS l SET worker = '', until = 0
FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS k (directory, webhook, lane)
WHERE l.directory = k.directory AND l.webhook = k.webhook AND l.lane = k.lane AND l.worker = $4;

-- name: end_lane
-- Forget replays that came to their end.
DELETE FROM webhook_line AS l
USING unnest($1::bigint[], $2::text[], $3::bigint[]) AS k (directory, webhook, lane)
WHERE l.directory = k.directory AND l.webhook = k.webhook AND l.lane = k.lane AND l.worker = $4
    AND l.lane > 0 AND l.cursor >= l.finish;

-- name: hurry_lines
-- Make every lane of an endpoint due, its message to be tried from the first attempt on.
WITH own AS (
    SELECT directory, lane FROM webhook_line WHERE webhook = $1
    ORDER BY directory, lane
    FOR NO KEY UPDATE
)

UPDATE webhook_line AS l SET due = 0, attempt = 0 FROM own
WHERE l.directory = own.directory AND l.webhook = $1 AND l.lane = own.lane;

-- name: insert_attempt
-- Write down an attempt, unless its endpoint or its directory was removed meanwhile.
INSERT INTO webhook_attempt (
    webhook, directory, kind, message, first, last, attempt, at, took, status, error, request, reply, body
)
SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 FROM webhook
WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM directory WHERE id = $2 AND removed IS NOT NULL)
RETURNING seq;
