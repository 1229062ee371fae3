-- Webhooks: endpoints, secrets, the lanes of delivery, dead letters and the log of attempts.

-- name: get_webhook
-- An endpoint: a directory's own, or with NULL any.
SELECT
    id, directory, url, label, types, created, max_events, max_wait,
    state, state_by, state_reason, state_since, failing
FROM webhook
WHERE id = ?1 AND (?2 IS NULL OR directory = ?2) AND NOT EXISTS (
    SELECT 1 FROM directory AS d WHERE d.id = webhook.directory AND d.removed IS NOT NULL
);

-- name: webhook_page
-- Endpoints of every directory and of all, by id, behind one.
SELECT
    id, directory, url, label, types, created, max_events, max_wait,
    state, state_by, state_reason, state_since, failing
FROM webhook
WHERE id > ?1 AND NOT EXISTS (
    SELECT 1 FROM directory AS d WHERE d.id = webhook.directory AND d.removed IS NOT NULL
)
ORDER BY id
LIMIT ?2;

-- name: webhook_page_of
-- A directory's own endpoints by id, behind one.
SELECT
    id, directory, url, label, types, created, max_events, max_wait,
    state, state_by, state_reason, state_since, failing
FROM webhook
WHERE directory = ?1 AND id > ?2
ORDER BY id
LIMIT ?3;

-- name: webhook_secrets
-- An endpoint's secrets, newest first.
SELECT sealed, scheme, created, public, expires
FROM webhook_secret
WHERE webhook = ?1
ORDER BY created DESC, sealed;

-- name: insert_webhook
-- Keep an endpoint.
INSERT INTO webhook (
    id, directory, url, label, types, created, max_events, max_wait,
    state, state_by, state_reason, state_since
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);

-- name: begin_lines
-- A new endpoint's lines begin at the present end of every directory it hears of.
INSERT INTO webhook_line (
    directory, webhook, lane, kind, cursor, fixed, attempt, due, lost, worker, until
)
SELECT
    d.id, ?1, 0, 'feed', coalesce((SELECT value FROM counter WHERE directory = d.id AND name = 'seq'), 0),
    0, 0, 0, 0, '', 0
FROM directory AS d
WHERE d.removed IS NULL AND (?2 IS NULL OR d.id = ?2);

-- name: update_webhook
-- Replace what an administrator says of an endpoint, if it is as it was.
UPDATE webhook SET url = ?2, label = ?3, types = ?4, max_events = ?5, max_wait = ?6
WHERE id = ?1 AND url = ?7 AND label = ?8 AND types = ?9 AND max_events = ?10 AND max_wait = ?11;

-- name: delete_webhook
-- Remove an endpoint; what belongs to it goes with it.
DELETE FROM webhook WHERE id = ?1;

-- name: insert_webhook_secret
-- Keep a secret.
INSERT INTO webhook_secret (webhook, sealed, scheme, created, public, expires)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: end_webhook_secrets
-- The secrets there are end at a time, or earlier.
UPDATE webhook_secret SET expires = min(coalesce(expires, ?2), ?2) WHERE webhook = ?1;

-- name: forget_webhook_secrets
-- Forget the secrets that ended by a time.
DELETE FROM webhook_secret WHERE webhook = ?1 AND expires <= ?2;

-- name: move_webhook
-- Make an endpoint stand so, if it does not yet; failures count anew.
UPDATE webhook SET state = ?2, state_by = ?3, state_reason = ?4, state_since = ?5, failing = NULL
WHERE id = ?1 AND state <> ?2;

-- name: hurry_lines
-- Make every lane of an endpoint due, its message to be tried from the first attempt on.
UPDATE webhook_line SET due = 0, attempt = 0 WHERE webhook = ?1 AND directory IS NOT NULL;

-- name: has_webhooks
-- Whether any endpoint is enabled that messages are sent to, or any handler of a JSON list.
SELECT 1 FROM webhook
WHERE
    state = 'enabled'
    AND iif(?1 IS NULL, url LIKE 'http%', id IN (SELECT value FROM json_each(?1)))
LIMIT 1;

-- name: due_lines
-- Lanes that nobody works on, with news or a retry that is due; so many of each endpoint, longest due first;
-- a lease that ends later than one can last (?4) was taken before the clock was set back, and holds no more;
-- of endpoints that messages are sent to, or of the handlers in a JSON list.
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
        AND iif(?3 IS NULL, w.url LIKE 'http%', w.id IN (SELECT value FROM json_each(?3)))
        AND coalesce(l.due, 0) <= ?1 AND coalesce(l.until, 0) NOT BETWEEN ?1 + 1 AND ?4
    UNION ALL
    SELECT
        l.directory, l.webhook, l.lane, l.cursor, l.attempt, l.due, l.finish, w.max_events, 0
    FROM webhook_line AS l
    JOIN webhook AS w ON w.id = l.webhook
    WHERE
        l.lane > 0 AND w.state = 'enabled' AND l.due <= ?1 AND l.until NOT BETWEEN ?1 + 1 AND ?4
        AND iif(?3 IS NULL, w.url LIKE 'http%', w.id IN (SELECT value FROM json_each(?3)))
),

ranked AS (
    SELECT *, row_number() OVER (PARTITION BY webhook ORDER BY due, directory, lane) AS place FROM lane
)

SELECT directory, webhook, lane, cursor, attempt, last, max_events, max_wait
FROM ranked
WHERE place <= ?2
ORDER BY due, place;

-- name: due_lines_of
-- The same of a JSON list of directories, replays left out, at a cost that does not grow with the others.
WITH lane AS (
    SELECT
        d.id AS directory, w.id AS webhook, 0 AS lane, coalesce(l.cursor, 0) AS cursor,
        coalesce(l.attempt, 0) AS attempt, coalesce(l.due, 0) AS due, c.value AS last,
        w.max_events AS max_events, w.max_wait AS max_wait
    FROM json_each(?2) AS j
    CROSS JOIN directory AS d ON d.id = j.value AND d.removed IS NULL
    CROSS JOIN counter AS c ON c.directory = d.id AND c.name = 'seq'
    CROSS JOIN webhook AS w ON w.directory IS NULL OR w.directory = d.id
    LEFT JOIN webhook_line AS l ON l.directory = d.id AND l.webhook = w.id AND l.lane = 0
    WHERE
        w.state = 'enabled' AND c.value > coalesce(l.cursor, 0)
        AND iif(?4 IS NULL, w.url LIKE 'http%', w.id IN (SELECT value FROM json_each(?4)))
        AND coalesce(l.due, 0) <= ?1 AND coalesce(l.until, 0) NOT BETWEEN ?1 + 1 AND ?5
),

ranked AS (
    SELECT *, row_number() OVER (PARTITION BY webhook ORDER BY due, directory) AS place FROM lane
)

SELECT directory, webhook, lane, cursor, attempt, last, max_events, max_wait
FROM ranked
WHERE place <= ?3
ORDER BY due, place;

-- name: claim_line
-- Take the lease of a lane on which nobody works; lane 0 begins to exist with that.
INSERT INTO webhook_line (
    directory, webhook, lane, kind, cursor, fixed, attempt, due, lost, worker, until
)
SELECT ?1, id, ?3, 'feed', 0, 0, 0, 0, 0, ?4, ?6 FROM webhook
WHERE id = ?2 AND state = 'enabled' AND (?3 = 0 OR EXISTS (
    SELECT 1 FROM webhook_line WHERE directory = ?1 AND webhook = ?2 AND lane = ?3
)) AND NOT EXISTS (SELECT 1 FROM directory WHERE id = ?1 AND removed IS NOT NULL)
ON CONFLICT (directory, webhook, lane) DO UPDATE SET worker = excluded.worker, until = excluded.until
WHERE webhook_line.until NOT BETWEEN ?5 + 1 AND ?7
RETURNING kind, cursor, finish, fixed, attempt, due, lost, lost_at;

-- name: renew_leases
-- A worker's leases that have not ended go on.
UPDATE webhook_line SET until = ?3
WHERE worker = ?1 AND worker <> '' AND until > ?2 AND directory IS NOT NULL
RETURNING directory, webhook, lane;

-- name: note_line
-- Where a lane stands, if the worker still has its lease.
UPDATE webhook_line
SET cursor = ?5, fixed = ?6, attempt = ?7, due = ?8, lost = ?9, lost_at = ?10, until = ?11
WHERE directory = ?1 AND webhook = ?2 AND lane = ?3 AND worker = ?4;

-- name: release_line
-- End a lease.
UPDATE webhook_line SET worker = '', until = 0
WHERE directory = ?1 AND webhook = ?2 AND lane = ?3 AND worker = ?4;

-- name: end_lane
-- Forget a replay that came to its end.
DELETE FROM webhook_line
WHERE directory = ?1 AND webhook = ?2 AND lane = ?3 AND worker = ?4 AND lane > 0 AND cursor >= finish;

-- name: next_lane
-- A number for another lane, and how many there are of the endpoint.
SELECT
    coalesce((SELECT max(lane) FROM webhook_line WHERE directory = ?1 AND webhook = ?2), 0) + 1,
    (SELECT count(*) FROM webhook_line WHERE webhook = ?2 AND lane > 0);

-- name: insert_lane
-- Begin a replay.
INSERT INTO webhook_line (
    directory, webhook, lane, kind, cursor, finish, fixed, attempt, due, lost, worker, until
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0, 0, '', 0);

-- name: lines_of
-- The lanes of an endpoint behind one, and the newest number of each one's directory.
SELECT
    l.directory, l.webhook, l.lane, l.kind, l.cursor, l.finish, l.fixed, l.attempt, l.due, l.lost, l.lost_at,
    coalesce(c.value, 0)
FROM webhook_line AS l
LEFT JOIN counter AS c ON c.directory = l.directory AND c.name = 'seq'
WHERE l.webhook = ?1 AND (l.directory, l.lane) > (?2, ?3)
ORDER BY l.directory, l.lane
LIMIT ?4;

-- name: insert_dead
-- A message is given up.
INSERT INTO webhook_dead (directory, webhook, first, last, message, at, attempts, status, error)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (directory, webhook, first) DO UPDATE SET
    last = excluded.last, message = excluded.message, at = excluded.at,
    attempts = webhook_dead.attempts + excluded.attempts, status = excluded.status, error = excluded.error;

-- name: delete_dead
-- A message was accepted after all.
DELETE FROM webhook_dead WHERE directory = ?1 AND webhook = ?2 AND first = ?3;

-- name: dead_between
-- Dead letters of a directory and endpoint in order, behind an event.
SELECT directory, webhook, first, last, message, at, attempts, status, error
FROM webhook_dead
WHERE directory = ?1 AND webhook = ?2 AND first > ?3
ORDER BY first
LIMIT ?4;

-- name: dead_letters
-- An endpoint's dead letters behind one.
SELECT directory, webhook, first, last, message, at, attempts, status, error
FROM webhook_dead
WHERE webhook = ?1 AND (directory, first) > (?2, ?3)
ORDER BY directory, first
LIMIT ?4;

-- name: webhook_fails
-- Note since when every attempt has failed.
UPDATE webhook SET failing = ?2 WHERE id = ?1 AND failing IS NULL;

-- name: webhook_works
-- Note that something was accepted.
UPDATE webhook SET failing = NULL WHERE id = ?1 AND failing IS NOT NULL;

-- name: insert_attempt
-- Write down an attempt, unless its endpoint or its directory was removed meanwhile.
INSERT INTO webhook_attempt (
    webhook, directory, kind, message, first, last, attempt, at, took, status, error, request, reply, body
)
SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14 FROM webhook
WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM directory WHERE id = ?2 AND removed IS NOT NULL);

-- name: attempts
-- An endpoint's log, newest first, below a number; all, or what failed.
SELECT
    seq, webhook, directory, kind, message, first, last, attempt, at, took, status, error, request, reply, body
FROM webhook_attempt
WHERE webhook = ?1 AND seq < ?2 AND (?4 = 0 OR error <> '')
ORDER BY seq DESC
LIMIT ?3;

-- name: get_attempt
-- One entry of an endpoint's log.
SELECT
    seq, webhook, directory, kind, message, first, last, attempt, at, took, status, error, request, reply, body
FROM webhook_attempt
WHERE webhook = ?1 AND seq = ?2;

-- name: attempt_edges
-- The oldest entry of the log with its time, and the newest.
SELECT
    (SELECT min(seq) FROM webhook_attempt), (SELECT max(seq) FROM webhook_attempt),
    (SELECT at FROM webhook_attempt WHERE seq = (SELECT min(seq) FROM webhook_attempt));

-- name: forget_attempts
-- Forget the oldest entries, so many at most, that are older than a time or have a number below another.
DELETE FROM webhook_attempt
WHERE seq IN (SELECT seq FROM webhook_attempt ORDER BY seq LIMIT ?3) AND (at < ?1 OR seq < ?2);

-- name: first_since
-- The first event that happened at a time or later.
SELECT seq FROM event WHERE directory = ?1 AND at >= ?2 ORDER BY seq LIMIT 1;
