-- The request log: what each connection asked, and what came of it.

-- name: insert_request
-- Keep an exchange under the number it was given.
INSERT INTO request (
    seq, directory, connection, token, at, request_id, method, path, query, status, microseconds, kind, resource,
    subject, tolerated, scim_type, detail, situation, other, address, agent, body, body_size, reply, left_out
)
VALUES (
    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
    ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25
);

-- name: last_request
-- The highest number of a directory.
SELECT coalesce(max(seq), 0) FROM request WHERE directory = ?1;

-- name: request_fence
-- Up to which time (ms) exchanges that are still to be kept are scrubbed.
SELECT coalesce((SELECT value FROM counter WHERE directory = ?1 AND name = 'request fence'), 0);

-- name: fence_requests
-- Move it on; back only if it is so far ahead that a clock must have been wrong.
INSERT INTO counter (directory, name, value) VALUES (?1, 'request fence', ?2)
ON CONFLICT (directory, name) DO UPDATE SET value = excluded.value
WHERE excluded.value > counter.value OR excluded.value < counter.value - 3600000;

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
    seq, directory, connection, token, at, request_id, method, path, query, status, microseconds, kind, resource,
    subject, tolerated, scim_type, detail, situation, other, address, agent, body, body_size, reply, left_out
FROM request
WHERE directory = ?1 AND seq = ?2;

-- name: requests
-- What pages look at of a directory's exchanges, newest first, below a number.
SELECT seq, connection, status, method, resource, request_id, subject, path
FROM request
WHERE directory = ?1 AND seq < ?2
ORDER BY seq DESC
LIMIT ?3;

-- name: requests_of_connection
-- The same of one connection.
SELECT seq, connection, status, method, resource, request_id, subject, path
FROM request
WHERE directory = ?1 AND seq < ?2 AND connection = ?4
ORDER BY seq DESC
LIMIT ?3;

-- name: requests_failed
-- The same of those that failed.
SELECT seq, connection, status, method, resource, request_id, subject, path
FROM request
WHERE directory = ?1 AND seq < ?2 AND status >= 400
ORDER BY seq DESC
LIMIT ?3;

-- name: requests_of_resource
-- The same of those about one resource.
SELECT seq, connection, status, method, resource, request_id, subject, path
FROM request
WHERE directory = ?1 AND seq < ?2 AND resource = ?4
ORDER BY seq DESC
LIMIT ?3;

-- name: requests_after
-- The same of a directory's exchanges, oldest first, above a number.
SELECT seq, connection, status, method, resource, request_id, subject, path
FROM request
WHERE directory = ?1 AND seq > ?2
ORDER BY seq
LIMIT ?3;

-- name: request_hours
-- The hours of every connection of a directory, oldest first.
SELECT connection, hour, ok, failed, last_ok, last_failed
FROM request_hour
WHERE directory = ?1
ORDER BY connection, hour;

-- name: forget_requests
-- Delete those of the oldest exchanges that came before a time.
DELETE FROM request
WHERE
    directory = ?1 AND at < ?2
    AND seq IN (SELECT old.seq FROM request AS old WHERE old.directory = ?1 ORDER BY old.seq LIMIT ?3);

-- name: forget_request_hours
-- Delete the hours before one.
DELETE FROM request_hour WHERE directory = ?1 AND hour < ?2;

-- name: delete_requests_of
-- Delete the exchanges about one resource.
DELETE FROM request WHERE directory = ?1 AND resource = ?2;

-- name: request_texts
-- Whatever an exchange may mention a person in, from a number on.
SELECT seq, subject, path, query, detail, body, reply
FROM request
WHERE directory = ?1 AND seq > ?2
ORDER BY seq
LIMIT ?3;

-- name: scrub_request
-- Take out of an exchange whatever it may mention a person in.
UPDATE request
SET subject = NULL, path = '', query = '', detail = NULL, body = NULL, reply = NULL
WHERE directory = ?1 AND seq = ?2;
