-- Security event tokens: streams, what was fetched out of order, signing keys.

-- name: get_set_stream
-- What an endpoint is that gets security event tokens.
SELECT audience, method, detail, vocabulary, authorization FROM set_stream WHERE webhook = ?1;

-- name: insert_set_stream
-- Keep it.
INSERT INTO set_stream (webhook, audience, method, detail, vocabulary, authorization)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: change_set_stream
-- Replace it, if it is as it was.
UPDATE set_stream SET audience = ?2, method = ?3, detail = ?4, vocabulary = ?5, authorization = ?6
WHERE webhook = ?1
  AND audience = ?7 AND method = ?8 AND detail = ?9 AND vocabulary = ?10 AND authorization IS ?11;

-- name: get_follow_line
-- Where the line of a directory to an endpoint stands.
SELECT kind, cursor, finish, fixed, attempt, due, lost, lost_at
FROM webhook_line
WHERE directory = ?1 AND webhook = ?2 AND lane = 0;

-- name: begin_line
-- A line that is not there begins at the beginning.
INSERT INTO webhook_line (
    directory, webhook, lane, kind, cursor, fixed, attempt, due, lost, worker, until
)
VALUES (?1, ?2, 0, 'feed', 0, 0, 0, 0, 0, '', 0)
ON CONFLICT (directory, webhook, lane) DO NOTHING;

-- name: set_acks
-- The events behind the cursor whose token the receiver has.
SELECT seq FROM set_ack WHERE directory = ?1 AND webhook = ?2 ORDER BY seq LIMIT ?3;

-- name: insert_set_ack
-- The receiver has the token of an event behind the cursor.
INSERT INTO set_ack (directory, webhook, seq)
SELECT directory, webhook, ?3 FROM webhook_line
WHERE directory = ?1 AND webhook = ?2 AND lane = 0 AND cursor < ?3
ON CONFLICT (directory, webhook, seq) DO NOTHING;

-- name: advance_line
-- Move the cursor of a line forward.
UPDATE webhook_line SET cursor = ?3
WHERE directory = ?1 AND webhook = ?2 AND lane = 0 AND cursor < ?3;

-- name: lose_line
-- Move the cursor of a line behind events that were forgotten before they were fetched.
UPDATE webhook_line SET cursor = ?3, lost = ?3, lost_at = ?4
WHERE directory = ?1 AND webhook = ?2 AND lane = 0 AND cursor < ?3;

-- name: forget_set_acks
-- Forget what lies before the cursor.
DELETE FROM set_ack WHERE directory = ?1 AND webhook = ?2 AND seq <= ?3;

-- name: signing_keys
-- All signing keys, the newest first.
SELECT kid, algorithm, public, sealed, created, signs, ends FROM signing_key ORDER BY created DESC, kid;

-- name: insert_signing_key
-- Keep a signing key.
INSERT INTO signing_key (kid, algorithm, public, sealed, created, signs) VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: end_signing_keys
-- The signing keys there are end at a time, or earlier.
UPDATE signing_key SET ends = min(coalesce(ends, ?1), ?1);

-- name: forget_signing_keys
-- Forget the signing keys that ended by a time.
DELETE FROM signing_key WHERE ends <= ?1;
