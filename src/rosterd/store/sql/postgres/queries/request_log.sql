-- The request log, as PostgreSQL says it.

-- name: last_requests
-- The highest number of each directory of a list, and its fence.
SELECT
    of.directory,
    coalesce((SELECT max(seq) FROM request WHERE directory = of.directory), 0),
    coalesce((SELECT value FROM counter WHERE directory = of.directory AND name = 'request fence'), 0)
FROM unnest($1::bigint[]) AS of (directory);

-- name: count_requests
-- Add to the hour of a connection.
INSERT INTO request_hour AS h (directory, connection, hour, ok, failed, last_ok, last_failed)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (directory, connection, hour) DO UPDATE SET
    ok = h.ok + excluded.ok,
    failed = h.failed + excluded.failed,
    last_ok = greatest(h.last_ok, excluded.last_ok),
    last_failed = greatest(h.last_failed, excluded.last_failed);

-- name: get_requests
-- Exchanges of a directory by their numbers.
SELECT
    seq, directory, connection, token, at, request_id, method, path, query, status, microseconds, kind, resource,
    subject, tolerated, scim_type, detail, situation, other, address, agent, body, body_size, reply, left_out
FROM request
WHERE directory = $1 AND seq = ANY ($2::bigint[]);

-- name: scrub_request
-- Take out of exchanges whatever they may mention a person in.
UPDATE request
SET subject = NULL, path = '', query = '', detail = NULL, body = NULL, reply = NULL
WHERE directory = $1 AND seq = ANY ($2::bigint[]);
