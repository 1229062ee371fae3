-- The feed of a directory, and its beginning that is forgotten. Each is one statement, and so of one state.

-- name: feed
-- The feed behind a number, of some types or of all (NULL), with its edges and how far was looked.
WITH edge AS (
    SELECT
        coalesce((SELECT value FROM counter WHERE directory = $1 AND name = 'seq'), 0) AS last,
        coalesce((SELECT value FROM counter WHERE directory = $1 AND name = 'forgotten'), 0) AS forgotten
),

beginning AS (SELECT last, forgotten, greatest($2, forgotten) AS start FROM edge),

base AS (
    SELECT
        last, forgotten, start,
        CASE WHEN last - start > $5 THEN coalesce((
            SELECT greatest(seq - 1, start) FROM event WHERE directory = $1 AND seq > start ORDER BY seq LIMIT 1
        ), last) ELSE start END AS base
    FROM beginning
),

looked AS (
    -- Nobody goes on from within a hole.
    SELECT
        last, forgotten, start,
        greatest(start, CASE WHEN base + $5 < last THEN (
            SELECT seq FROM event WHERE directory = $1 AND seq <= base + $5 ORDER BY seq DESC LIMIT 1
        ) ELSE last END) AS through
    FROM base
)

SELECT l.last, l.forgotten, l.through, e.seq, e.type, e.kind, e.resource, e.at, e.connection, e.request_id, e.data
FROM looked AS l LEFT JOIN LATERAL (
    SELECT seq, type, kind, resource, at, connection, request_id, data
    FROM event
    WHERE directory = $1 AND seq > l.start AND seq <= l.through AND ($3::text[] IS NULL OR type LIKE ANY($3))
    ORDER BY seq
    LIMIT $4
) AS e ON true
ORDER BY e.seq;

-- name: feed_back
-- The feed below a number (NULL: all of it), newest first, with its edges and how far was looked.
WITH edge AS (
    SELECT
        coalesce((SELECT value FROM counter WHERE directory = $1 AND name = 'seq'), 0) AS last,
        coalesce((SELECT value FROM counter WHERE directory = $1 AND name = 'forgotten'), 0) AS forgotten
),

beginning AS (SELECT last, forgotten, least($2::bigint, last + 1) AS start FROM edge),

base AS (
    SELECT
        last, forgotten, start,
        CASE WHEN start - forgotten > $5 THEN coalesce((
            SELECT least(seq + 1, start) FROM event WHERE directory = $1 AND seq < start ORDER BY seq DESC LIMIT 1
        ), forgotten + 1) ELSE start END AS base
    FROM beginning
),

looked AS (SELECT last, forgotten, start, greatest(base - $5, forgotten + 1) AS through FROM base)

SELECT l.last, l.forgotten, l.through, e.seq, e.type, e.kind, e.resource, e.at, e.connection, e.request_id, e.data
FROM looked AS l LEFT JOIN LATERAL (
    SELECT seq, type, kind, resource, at, connection, request_id, data
    FROM event
    WHERE directory = $1 AND seq < l.start AND seq >= l.through AND ($3::text[] IS NULL OR type LIKE ANY($3))
    ORDER BY seq DESC
    LIMIT $4
) AS e ON true
ORDER BY e.seq DESC;

-- name: history
-- One resource's events before a number, newest first.
SELECT seq, type, kind, resource, at, connection, request_id, data
FROM event
WHERE directory = $1 AND resource = $2 AND kind = $3 AND seq < $5
ORDER BY seq DESC
LIMIT $4;

-- name: note_forgotten
-- Note the newest event that is not kept any more.
INSERT INTO counter (directory, name, value) VALUES ($1, 'forgotten', $2)
ON CONFLICT (directory, name) DO UPDATE SET value = greatest(counter.value, excluded.value);

-- name: undone
-- Whether a number is in a hole that a restore left: told once, and undone.
SELECT EXISTS (
    SELECT 1 FROM counter
    WHERE directory = $1 AND name LIKE 'restored:%' AND substr(name, 10)::bigint < $2 AND value > $2
);

-- name: channel
-- Where news are told: installations in other schemas of the database have others.
SELECT left('rosterd' || coalesce('_' || nullif(current_schema()::text, 'public'), ''), 63);

-- name: tell
-- Tell whoever listens that these directories have changed.
SELECT pg_notify($1, d.directory::text) FROM unnest($2::bigint[]) AS d (directory);
