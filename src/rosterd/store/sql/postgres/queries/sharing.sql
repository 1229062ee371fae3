-- What processes tell each other besides the data, as PostgreSQL says it: in the database's clock. Whoever asks does
-- not wait until it is durable, or a synchronous replica has it: it may be lost.

-- name: exchange_buckets
-- Take from buckets what was drawn ($5 requests, the first of them $6 µs ago), once they have filled since the last
-- time, and say what they hold now. In the order of their keys, as everybody does who changes many. See ``Level``.
INSERT INTO bucket AS b (directory, name, rate, size, level, at)
SELECT
    d.directory, d.name, d.rate, d.size * 1000000, (d.size - d.drawn) * 1000000,
    (extract(EPOCH FROM clock_timestamp()) * 1000000)::bigint - d.ago
FROM
    unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
        AS d (directory, name, rate, size, drawn, ago)
CROSS JOIN set_config('synchronous_commit', 'off', true)
ORDER BY d.directory, d.name
ON CONFLICT (directory, name) DO UPDATE
SET
    rate = excluded.rate,
    size = excluded.size,
    level = least(
        excluded.size, b.level + excluded.rate * least(greatest(excluded.at - b.at, 0), 86400000000)
    ) - (excluded.size - excluded.level),
    at = greatest(least(b.at, (extract(EPOCH FROM clock_timestamp()) * 1000000)::bigint), excluded.at)
RETURNING
    directory, name,
    least(size, level + rate * ((extract(EPOCH FROM clock_timestamp()) * 1000000)::bigint - at));

-- name: forget_buckets
-- Forget buckets that are full again, so many at most; those that somebody just draws from are left.
WITH full_again AS (
    SELECT directory, name FROM bucket
    WHERE (size - level) / rate < (extract(EPOCH FROM clock_timestamp()) * 1000000)::bigint - at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
)

DELETE FROM bucket AS b USING full_again AS f WHERE b.directory = f.directory AND b.name = f.name;

-- name: keep_bookmark
-- Remember where a page ended, in the place of what has it.
INSERT INTO bookmark (directory, connection, slot, walk, start_index, seq, key, total, expires)
SELECT
    $1::bigint, $2::bigint, $3::bigint, $4::bytea, $5::bigint, $6::bigint, $7::bytea, $8::bigint, $9::bigint
FROM set_config('synchronous_commit', 'off', true)
ON CONFLICT (directory, connection, slot) DO UPDATE
SET
    walk = excluded.walk, start_index = excluded.start_index, seq = excluded.seq, key = excluded.key,
    total = excluded.total, expires = excluded.expires;

-- name: forget_bookmarks
-- Forget bookmarks that have expired, so many at most.
DELETE FROM bookmark WHERE (directory, connection, slot) IN (
    SELECT directory, connection, slot FROM bookmark WHERE expires <= $1 LIMIT $2
    FOR UPDATE SKIP LOCKED
);
