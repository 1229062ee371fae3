-- What processes tell each other besides the data: what is left of rates, and which forms were sent.

-- name: get_bucket
-- What was left in a bucket, and when.
SELECT level, at FROM bucket WHERE directory = ?1 AND name = ?2;

-- name: put_bucket
-- What is left in a bucket by now.
INSERT INTO bucket (directory, name, rate, size, level, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (directory, name) DO UPDATE
SET rate = excluded.rate, size = excluded.size, level = excluded.level, at = excluded.at;

-- name: has_full_buckets
-- Whether any bucket is full again.
SELECT EXISTS (SELECT 1 FROM bucket WHERE (size - level) / rate < ?1 - at);

-- name: forget_buckets
-- Forget buckets that are full again, so many at most.
DELETE FROM bucket WHERE (directory, name) IN (
    SELECT directory, name FROM bucket WHERE (size - level) / rate < ?1 - at LIMIT ?2
);

-- name: spend_mark
-- Note that a form was sent; changes nothing if that is known.
INSERT INTO form_mark (digest, used) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING;

-- name: has_old_marks
-- Whether there is any form that was sent before a time.
SELECT EXISTS (SELECT 1 FROM form_mark WHERE used < ?1);

-- name: forget_marks
-- Forget forms that were sent before a time, so many at most.
DELETE FROM form_mark WHERE digest IN (SELECT digest FROM form_mark WHERE used < ?1 ORDER BY used LIMIT ?2);
