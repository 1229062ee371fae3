-- What is measured of an installation, and a write that means nothing.

-- name: probe
-- Count how often it was tried whether something can be written; of no directory. A row that does not change
-- would not be written.
INSERT INTO counter (directory, name, value) VALUES (0, 'probe', 1)
ON CONFLICT (directory, name) DO UPDATE SET value = value + 1;

-- name: webhook_backlog
-- Lanes of enabled endpoints that are not at the end, and the time of the oldest event that waits for one.
SELECT count(*), min(oldest)
FROM (
    SELECT (
        SELECT at FROM event
        WHERE directory = d.id AND seq > coalesce(l.cursor, 0)
        ORDER BY seq
        LIMIT 1
    ) AS oldest
    FROM webhook AS w
    JOIN directory AS d ON d.removed IS NULL AND (w.directory IS NULL OR d.id = w.directory)
    JOIN counter AS c ON c.directory = d.id AND c.name = 'seq'
    LEFT JOIN webhook_line AS l ON l.directory = d.id AND l.webhook = w.id AND l.lane = 0
    WHERE w.state = 'enabled' AND c.value > coalesce(l.cursor, 0)
    LIMIT ?1
)
WHERE oldest IS NOT NULL;

-- name: dead_backlog
-- How many messages were given up, of any directory, up to a number.
SELECT count(*) FROM (SELECT 1 FROM webhook_dead WHERE directory IS NOT NULL LIMIT ?1);

-- name: mapping_backlog
-- Directories whose mapping lags behind, and the time of the oldest event that waits for one.
SELECT count(*), min((
    SELECT at FROM event WHERE directory = m.directory AND seq > m.place ORDER BY seq LIMIT 1
))
FROM mapping AS m
LEFT JOIN counter AS c ON c.directory = m.directory AND c.name = 'seq'
WHERE m.walk IS NOT NULL OR c.value > m.place;

-- name: tokens_ending
-- Valid tokens that no client fetched, that end up to a time.
SELECT count(*) FROM token
WHERE expires > ?1 AND expires <= ?2 AND (revoked IS NULL OR revoked > ?1) AND client IS NULL;

-- name: connection_states
-- How many connections stand how.
SELECT state, count(*) FROM connection GROUP BY state;
