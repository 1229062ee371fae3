-- All connections at one look, as PostgreSQL says it. Directories are meant from $1 to $2.

-- name: survey_hours
-- Requests by the hour, behind one, of so many connections together; each one's are looked up by the key.
SELECT h.hour, sum(h.ok), sum(h.failed)
FROM (
    SELECT directory, id FROM connection WHERE directory BETWEEN $1 AND $2
    ORDER BY directory, id
    LIMIT $4
) AS c
CROSS JOIN LATERAL (
    SELECT r.hour, r.ok, r.failed FROM request_hour AS r
    WHERE r.directory = c.directory AND r.connection = c.id AND r.hour > $3
    OFFSET 0
) AS h
GROUP BY h.hour
ORDER BY h.hour;
