-- Streams and signing keys, as PostgreSQL says it.

-- name: get_set_stream
-- What endpoints of a list are that get security event tokens.
SELECT webhook, audience, method, detail, vocabulary, "authorization" FROM set_stream
WHERE webhook = ANY ($1::text[]);

-- name: insert_set_stream
-- Keep it.
INSERT INTO set_stream (webhook, audience, method, detail, vocabulary, "authorization")
VALUES ($1, $2, $3, $4, $5, $6);

-- name: change_set_stream
-- Replace it, if it is as it was.
UPDATE set_stream SET audience = $2, method = $3, detail = $4, vocabulary = $5, "authorization" = $6
WHERE webhook = $1
  AND audience = $7 AND method = $8 AND detail = $9 AND vocabulary = $10
  AND "authorization" IS NOT DISTINCT FROM $11;

-- name: lock_follow_line
-- Nobody else moves the line of a directory to an endpoint until this transaction has ended.
SELECT cursor FROM webhook_line WHERE directory = $1 AND webhook = $2 AND lane = 0 FOR NO KEY UPDATE;

-- name: insert_set_ack
-- The receiver has the tokens of events behind the cursor.
INSERT INTO set_ack (directory, webhook, seq)
SELECT l.directory, l.webhook, a.seq
FROM webhook_line AS l, unnest($3::bigint[]) AS a (seq)
WHERE l.directory = $1 AND l.webhook = $2 AND l.lane = 0 AND l.cursor < a.seq
ON CONFLICT (directory, webhook, seq) DO NOTHING;

-- name: end_signing_keys
-- The signing keys there are end at a time, or earlier.
UPDATE signing_key SET ends = least(ends, $1);
