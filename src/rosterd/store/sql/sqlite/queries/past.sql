-- What undo and erasure look up and rewrite.

-- name: changed_by
-- The resources behind an id that a connection changed from a time on, up to a number.
SELECT DISTINCT kind, resource
FROM event INDEXED BY event_history
WHERE directory = ?1 AND resource > ?5 AND connection = ?2 AND at >= ?3 AND seq <= ?4 AND kind <> 'Connection'
ORDER BY resource
LIMIT ?6;

-- name: story
-- One resource's events from a time on and behind a number, oldest first.
SELECT seq, type, kind, resource, at, connection, request_id, data
FROM event INDEXED BY event_history
WHERE directory = ?1 AND resource = ?2 AND kind = ?3 AND at >= ?4 AND seq > ?5
ORDER BY seq
LIMIT ?6;

-- name: mentioning
-- The events between two numbers that tell a value of a JSON list as pending, or as no longer so.
SELECT seq, type, kind, resource, at, connection, request_id, data
FROM event
WHERE directory = ?1 AND seq > ?3 AND seq <= ?4 AND kind = 'Group' AND (
    EXISTS (SELECT 1 FROM json_each(event.data, '$.pending') WHERE value IN (SELECT value FROM json_each(?2)))
    OR EXISTS (SELECT 1 FROM json_each(event.data, '$.resolved') WHERE value IN (SELECT value FROM json_each(?2)))
)
ORDER BY seq;

-- name: deleted_before
-- Retained resources of a kind that were deleted before a time.
SELECT id FROM resource INDEXED BY resource_deleted
WHERE directory = ?1 AND kind = ?2 AND deleted < ?3
ORDER BY deleted
LIMIT ?4;

-- name: owed_erasures
-- Erasures that are not finished.
SELECT kind, id, connection, request_id, names, seq FROM erasure WHERE directory = ?1 ORDER BY id LIMIT ?2;

-- name: owe_erasure
-- Note an erasure, or more names of one.
INSERT INTO erasure (directory, kind, id, connection, request_id, names, seq) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (directory, kind, id) DO UPDATE SET names = excluded.names;

-- name: pay_erasure
-- An erasure is finished.
DELETE FROM erasure WHERE directory = ?1 AND kind = ?2 AND id = ?3;

-- name: rewrite_event
-- Let an event say something else.
UPDATE event SET data = ?3 WHERE directory = ?1 AND seq = ?2;

-- name: drop_pending
-- Forget the values of a JSON list where they are pending: in a connection's groups, or in all.
DELETE FROM pending_member
WHERE directory = ?1 AND value IN (SELECT value FROM json_each(?2)) AND (?3 IS NULL OR EXISTS (
    SELECT 1 FROM resource AS r WHERE r.directory = ?1 AND r.id = pending_member.group_id AND r.connection = ?3
));
