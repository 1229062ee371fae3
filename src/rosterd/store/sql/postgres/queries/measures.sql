-- What is measured of an installation, as PostgreSQL says it.

-- name: probe
-- Count how often it was tried whether something can be written; of no directory. A row that does not change
-- would not be written.
INSERT INTO counter AS c (directory, name, value) VALUES (0, 'probe', 1)
ON CONFLICT (directory, name) DO UPDATE SET value = c.value + 1;

-- name: probe_small
-- Have whatever needs more than 64 kB go to a file beside the data, in this transaction.
SELECT set_config('work_mem', '64kB', true), set_config('temp_tablespaces', '', true);

-- name: probe_room
-- Write a megabyte to such a file, which is gone at once.
SELECT count(*) FROM unnest(array_fill(repeat('x', 8192), ARRAY[128])) AS block;

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
    LIMIT $1
) AS lane
WHERE oldest IS NOT NULL;

-- name: dead_backlog
-- How many messages were given up, of any directory, up to a number.
SELECT count(*) FROM (SELECT 1 FROM webhook_dead WHERE directory IS NOT NULL LIMIT $1) AS dead;

-- name: connection_room
-- How many connections this role may have in this database, if nobody else has any.
SELECT least(
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
    CASE WHEN r.rolconnlimit >= 0 THEN r.rolconnlimit END,
    CASE WHEN d.datconnlimit >= 0 THEN d.datconnlimit END
)
FROM pg_roles AS r, pg_database AS d
WHERE r.rolname = current_user AND d.datname = current_database();
