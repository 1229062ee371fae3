-- The request log: what each connection asked, and what came of it.

-- name: insert_request
-- Keep an exchange under the number it was given.
INSERT INTO request (
    directory, seq, connection, at, status, method, microseconds, left_out, token, request_id, kind, resource,
    subject, path, query, scim_type, situation, other, tolerated, address, agent, body_size, detail, body, reply
)
VALUES (
    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
    ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25
);

-- name: last_request
-- The highest number of a directory.
SELECT coalesce(max(seq), 0) FROM request WHERE directory = ?1;

-- name: count_requests
-- Add to the hour of a connection.
INSERT INTO request_hour (directory, connection, hour, ok, failed, last_ok, last_failed)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (directory, connection, hour) DO UPDATE SET
    ok = ok + excluded.ok,
    failed = failed + excluded.failed,
    last_ok = max(coalesce(last_ok, excluded.last_ok), coalesce(excluded.last_ok, last_ok)),
    last_failed = max(coalesce(last_failed, excluded.last_failed), coalesce(excluded.last_failed, last_failed));

-- name: get_request
-- One exchange.
SELECT
    directory, seq, connection, at, status, method, microseconds, left_out, token, request_id, kind, resource,
    subject, path, query, scim_type, situation, other, tolerated, address, agent, body_size, detail, body, reply
FROM request
WHERE directory = ?1 AND seq = ?2;

-- name: requests
-- The numbers and narrow columns of a directory's exchanges, newest first, below a number.
SELECT seq, status, method, resource, request_id, subject, path
FROM request
WHERE directory = ?1 AND seq < ?2 AND ?3 IS NULL
ORDER BY seq DESC
LIMIT ?4;

-- name: requests_of_connection
-- The same of one connection.
SELECT seq, status, method, resource, request_id, subject, path
FROM request
WHERE directory = ?1 AND seq < ?2 AND connection = ?3
ORDER BY seq DESC
LIMIT ?4;

-- name: requests_failed
-- The same of those that failed.
SELECT seq, status, method, resource, request_id, subject, path
FROM request
WHERE directory = ?1 AND seq < ?2 AND status >= 400 AND (?3 IS NULL OR connection = ?3)
ORDER BY seq DESC
LIMIT ?4;

-- name: requests_of_resource
-- The same of those about one resource.
SELECT seq, status, method, resource, request_id, subject, path
FROM request
WHERE directory = ?1 AND seq < ?2 AND (?3 IS NULL OR connection = ?3) AND resource = ?5
ORDER BY seq DESC
LIMIT ?4;
