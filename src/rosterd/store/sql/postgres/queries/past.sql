-- What undo and erasure look up and rewrite, and what a mapping made of users.

-- name: changed_by
-- The resources behind an id that a connection changed from a time on, up to a number.
SELECT DISTINCT kind, resource
FROM event
WHERE directory = $1 AND resource > $5 AND connection = $2 AND at >= $3 AND seq <= $4 AND kind <> 'Connection'
ORDER BY resource
LIMIT $6;

-- name: story
-- One resource's events from a time on and behind a number, oldest first.
SELECT seq, type, kind, resource, at, connection, request_id, data
FROM event
WHERE directory = $1 AND resource = $2 AND kind = $3 AND at >= $4 AND seq > $5
ORDER BY seq
LIMIT $6;

-- name: mentioning
-- The events between two numbers that tell one of some values as pending, or as no longer so.
SELECT seq, type, kind, resource, at, connection, request_id, data
FROM event
WHERE directory = $1 AND seq > $3 AND seq <= $4 AND kind = 'Group'
    AND (data::jsonb -> 'pending' ?| $2::text[] OR data::jsonb -> 'resolved' ?| $2::text[])
ORDER BY seq;

-- name: deleted_before
-- Retained resources of a kind that were deleted before a time.
SELECT id FROM resource
WHERE directory = $1 AND kind = $2 AND deleted < $3
ORDER BY deleted
LIMIT $4;

-- name: drop_pending
-- Forget some values where they are pending: in a connection's groups, or in all.
DELETE FROM pending_member
WHERE directory = $1 AND value = ANY($2::text[]) AND ($3::bigint IS NULL OR EXISTS (
    SELECT 1 FROM resource AS r WHERE r.directory = $1 AND r.id = pending_member.group_id AND r.connection = $3
));

-- name: projections
-- What was made of some users.
SELECT id, value FROM projection WHERE directory = $1 AND id = ANY($2::text[]);
