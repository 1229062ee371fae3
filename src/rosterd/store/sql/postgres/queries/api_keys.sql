-- API keys and kept replies, as PostgreSQL says it.

-- name: key_holder
-- An API key with the directory it is bound to.
SELECT k.id, k.digest, k.directory, k.label, k.scopes, k.created, k.expires, k.last_used, k.revoked,
    d.id, d.name, d.created, d.revision, d.schemas, d.resource_types, d.requirements
FROM api_key AS k LEFT JOIN directory AS d ON d.id = k.directory
WHERE k.id = $1 AND d.removed IS NULL;

-- name: note_key_use
-- Move the last use of API keys forward; in the order of their ids, as everybody does who moves many.
WITH used AS (
    SELECT k.id, u.at
    FROM unnest($1::text[], $2::bigint[]) AS u (id, at)
    JOIN api_key AS k ON k.id = u.id
    ORDER BY k.id
    FOR NO KEY UPDATE OF k
)

UPDATE api_key SET last_used = greatest(api_key.last_used, used.at) FROM used WHERE api_key.id = used.id;

-- name: insert_replay
-- Begin a request with an idempotency key, unless somebody has begun it.
INSERT INTO replay (api_key, name, digest, begun, directory) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (api_key, name) DO NOTHING;
