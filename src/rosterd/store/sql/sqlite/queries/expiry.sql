-- What ends soon: tokens, secrets of clients, API keys.

-- name: ending
-- What ends between two times, the nearest first; what clients fetch by themselves is left out.
SELECT 'token' AS what, t.id, t.label, d.id, d.name, c.id, c.name,
    min(t.expires, coalesce(t.revoked, t.expires)) AS ends
FROM token AS t
JOIN connection AS c ON c.directory = t.directory AND c.id = t.connection
JOIN directory AS d ON d.id = t.directory AND d.removed IS NULL
WHERE t.client IS NULL AND t.expires > ?1
    AND min(t.expires, coalesce(t.revoked, t.expires)) > ?1
    AND min(t.expires, coalesce(t.revoked, t.expires)) <= ?2
UNION ALL
SELECT 'client secret', k.id, k.label, d.id, d.name, c.id, c.name, s.expires
FROM client_secret AS s
JOIN client AS k ON k.id = s.client
JOIN connection AS c ON c.directory = k.directory AND c.id = k.connection
JOIN directory AS d ON d.id = k.directory AND d.removed IS NULL
WHERE s.expires > ?1 AND s.expires <= ?2 AND k.revoked IS NULL
UNION ALL
SELECT 'API key', a.id, a.label, d.id, d.name, NULL, NULL, a.expires
FROM api_key AS a
LEFT JOIN directory AS d ON d.id = a.directory
WHERE a.expires > ?1 AND a.expires <= ?2 AND a.revoked IS NULL AND d.removed IS NULL
ORDER BY ends
LIMIT ?3;

-- name: unannounced
-- Tokens that end between two times and of which was not yet warned so many days before.
SELECT t.id, t.label, t.directory, t.connection, c.name, t.expires
FROM token AS t
JOIN connection AS c ON c.directory = t.directory AND c.id = t.connection
JOIN directory AS d ON d.id = t.directory AND d.removed IS NULL
WHERE t.expires > ?1 AND t.expires <= ?2 AND t.client IS NULL AND t.revoked IS NULL
    AND t.expires - t.created > ?3 * 86400000 AND (t.warned IS NULL OR t.warned > ?3)
ORDER BY t.expires
LIMIT ?4;

-- name: note_warning
-- That it was warned of a token's end so many days before, unless it was already.
UPDATE token SET warned = ?3 WHERE directory = ?1 AND id = ?2 AND (warned IS NULL OR warned > ?3);
