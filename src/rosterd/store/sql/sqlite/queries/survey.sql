-- All connections at one look. Directories are meant from ?1 to ?2; nothing here reads what is in a directory.

-- name: survey_sums
-- How many directories, connections, live users and live groups there are, by the counts that are kept.
SELECT
    (SELECT count(*) FROM directory WHERE id BETWEEN ?1 AND ?2 AND removed IS NULL),
    (
        SELECT count(*) FROM directory AS d
        INNER JOIN connection AS c ON c.directory = d.id
        WHERE d.id BETWEEN ?1 AND ?2 AND d.removed IS NULL
    ),
    (
        SELECT coalesce(sum(k.value), 0) FROM directory AS d
        INNER JOIN counter AS k ON k.directory = d.id AND k.name = 'live:User'
        WHERE d.id BETWEEN ?1 AND ?2 AND d.removed IS NULL
    ),
    (
        SELECT coalesce(sum(k.value), 0) FROM directory AS d
        INNER JOIN counter AS k ON k.directory = d.id AND k.name = 'live:Group'
        WHERE d.id BETWEEN ?1 AND ?2 AND d.removed IS NULL
    );

-- name: survey_hours
-- Requests by the hour, behind one, of so many connections together.
SELECT h.hour, sum(h.ok), sum(h.failed)
FROM (
    SELECT c.directory, c.id FROM connection AS c
    INNER JOIN directory AS d ON d.id = c.directory AND d.removed IS NULL
    WHERE c.directory BETWEEN ?1 AND ?2
    ORDER BY c.directory, c.id
    LIMIT ?4
) AS up
CROSS JOIN request_hour AS h ON h.directory = up.directory AND h.connection = up.id AND h.hour > ?3
GROUP BY h.hour
ORDER BY h.hour;

-- name: survey_connections
-- Of so many connections at ?4 ms, in few words, those that may want attention: tokens that end until ?5, the last
-- hour (before ?7: long ago), requests from hour ?6 on. Of each, its 20 newest tokens are looked at.
SELECT
    page.directory, page.id, page.home, page.name, page.state, page.state_by, page.tokens, page.used, page.hour,
    page.ok, page.failed
FROM (
    SELECT
        c.directory, c.id, d.name AS home, c.name, c.state, c.state_by,
        (
            SELECT max(
                CASE
                    WHEN n.expires <= ?4 OR n.revoked <= ?4 THEN 0
                    WHEN n.client IS NULL AND n.revoked IS NULL AND n.expires <= ?5 THEN 2
                    ELSE 1
                END
            )
            FROM (
                SELECT t.expires, t.revoked, t.client FROM token AS t
                WHERE t.directory = c.directory AND t.connection = c.id
                ORDER BY t.created DESC
                LIMIT 20
            ) AS n
        ) AS tokens,
        (
            SELECT max(n.last_used)
            FROM (
                SELECT t.last_used FROM token AS t
                WHERE t.directory = c.directory AND t.connection = c.id
                ORDER BY t.created DESC
                LIMIT 20
            ) AS n
        ) AS used,
        (
            SELECT max(h.hour) FROM request_hour AS h
            WHERE h.directory = c.directory AND h.connection = c.id
        ) AS hour,
        (
            SELECT coalesce(sum(h.ok), 0) FROM request_hour AS h
            WHERE h.directory = c.directory AND h.connection = c.id AND h.hour >= ?6
        ) AS ok,
        (
            SELECT coalesce(sum(h.failed), 0) FROM request_hour AS h
            WHERE h.directory = c.directory AND h.connection = c.id AND h.hour >= ?6
        ) AS failed
    FROM connection AS c
    INNER JOIN directory AS d ON d.id = c.directory AND d.removed IS NULL
    WHERE c.directory BETWEEN ?1 AND ?2
    ORDER BY c.directory, c.id
    LIMIT ?3
) AS page
WHERE
    page.state <> 'disabled'
    AND (
        page.state = 'paused' OR page.tokens IS NULL OR page.tokens <> 1 OR page.failed > 0
        OR page.hour < ?7 OR (page.hour IS NULL AND page.used IS NOT NULL)
    )
ORDER BY page.directory, page.id;

-- name: troubled_webhooks
-- Endpoints that fail, or that somebody (?4) disabled: of these directories, and with ?3 = 1 those for all.
SELECT id FROM webhook
WHERE
    (directory BETWEEN ?1 AND ?2 OR directory IS NULL AND ?3 = 1)
    AND (state = 'disabled' AND state_by = ?4 OR state <> 'disabled' AND failing IS NOT NULL)
ORDER BY id
LIMIT ?5;
