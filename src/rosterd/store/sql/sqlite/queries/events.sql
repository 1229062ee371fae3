-- The feed of a directory, and its beginning that is forgotten.

-- name: events
-- The feed behind a number.
SELECT seq, type, kind, resource, at, connection, request_id, data
FROM event
WHERE directory = ?1 AND seq > ?2
ORDER BY seq
LIMIT ?3;

-- name: feed
-- The feed behind a number up to another; of the types of a JSON list of patterns, or of all (NULL).
SELECT seq, type, kind, resource, at, connection, request_id, data
FROM event
WHERE directory = ?1 AND seq > ?2 AND seq <= ?3
    AND (?4 IS NULL OR EXISTS (SELECT 1 FROM json_each(?4) AS j WHERE event.type GLOB j.value))
ORDER BY seq
LIMIT ?5;

-- name: feed_back
-- The feed below a number down to another, newest first; of the types of a JSON list, or of all (NULL).
SELECT seq, type, kind, resource, at, connection, request_id, data
FROM event
WHERE directory = ?1 AND seq < ?2 AND seq >= ?3
    AND (?4 IS NULL OR EXISTS (SELECT 1 FROM json_each(?4) AS j WHERE event.type GLOB j.value))
ORDER BY seq DESC
LIMIT ?5;

-- name: feed_edges
-- The newest number of the directory's order, and the newest event that is not kept any more.
SELECT
    coalesce((SELECT value FROM counter WHERE directory = ?1 AND name = 'seq'), 0),
    coalesce((SELECT value FROM counter WHERE directory = ?1 AND name = 'forgotten'), 0);

-- name: history
-- One resource's events before a number, newest first.
SELECT seq, type, kind, resource, at, connection, request_id, data
FROM event INDEXED BY event_history
WHERE directory = ?1 AND resource = ?2 AND kind = ?3 AND seq < ?5
ORDER BY seq DESC
LIMIT ?4;

-- name: append_event
-- Write an event.
INSERT INTO event (directory, seq, type, kind, resource, at, connection, request_id, data)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: oldest_events
-- The beginning of the feed: numbers and times.
SELECT seq, at FROM event WHERE directory = ?1 ORDER BY seq LIMIT ?2;

-- name: delete_events
-- Forget the events up to a number.
DELETE FROM event WHERE directory = ?1 AND seq <= ?2;

-- name: note_forgotten
-- Note the newest event that is not kept any more.
INSERT INTO counter (directory, name, value) VALUES (?1, 'forgotten', ?2)
ON CONFLICT (directory, name) DO UPDATE SET value = max(value, excluded.value);
