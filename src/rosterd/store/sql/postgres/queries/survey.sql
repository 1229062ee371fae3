-- All connections at one look, as PostgreSQL says it. Directories are meant from $1 to $2.

-- name: survey_hours
-- Requests by the hour, behind one, of so many connections together; each one's are looked up by the key.
SELECT h.hour, sum(h.ok), sum(h.failed)
FROM (
    SELECT k.directory, k.id FROM connection AS k
    INNER JOIN directory AS d ON d.id = k.directory AND d.removed IS NULL
    WHERE k.directory BETWEEN $1 AND $2
    ORDER BY k.directory, k.id
    LIMIT $4
) AS c
CROSS JOIN LATERAL (
    SELECT r.hour, r.ok, r.failed FROM request_hour AS r
    WHERE r.directory = c.directory AND r.connection = c.id AND r.hour > $3
    OFFSET 0
) AS h
GROUP BY h.hour
ORDER BY h.hour;
