-- Resources that listings and single look-ups ask for. How look-ups by key are led is said in resources.sql.

-- name: newest
-- Resources of a kind in a state below a number, newest first, of a connection or of all.
SELECT id, kind, connection, external_id, seq, version, created, modified, deleted, document
FROM resource
WHERE directory = $1 AND kind = $2 AND state = $3 AND seq < $4 AND ($6::bigint IS NULL OR connection = $6)
ORDER BY seq DESC
LIMIT $5;

-- name: named_unique
-- Unique values from one to another, behind one, each with its resource if that is in the state wanted.
SELECT page.value, page.id, r.id, r.kind, r.connection, r.external_id, r.seq, r.version, r.created, r.modified,
    r.deleted, r.document
FROM (
    SELECT value, id FROM unique_value
    WHERE directory = $1 AND kind = $2 AND attribute = $3 AND value >= $4 AND value < $5
        AND (value, id) > ($6, $7)
    ORDER BY value
    LIMIT $8
) AS page
LEFT JOIN LATERAL (
    SELECT * FROM resource WHERE directory IN ($1, $1) AND id = page.id OFFSET 0
) AS r ON $9::text IS NULL OR r.state = $9
ORDER BY page.value, page.id;

-- name: named_value
-- The same of values that several resources may have.
SELECT page.value, page.id, r.id, r.kind, r.connection, r.external_id, r.seq, r.version, r.created, r.modified,
    r.deleted, r.document
FROM (
    SELECT value, id FROM attribute_value
    WHERE directory = $1 AND kind = $2 AND attribute = $3 AND value >= $4 AND value < $5
        AND (value, id) > ($6, $7)
    ORDER BY value, id
    LIMIT $8
) AS page
LEFT JOIN LATERAL (
    SELECT * FROM resource WHERE directory IN ($1, $1) AND id = page.id OFFSET 0
) AS r ON $9::text IS NULL OR r.state = $9
ORDER BY page.value, page.id;

-- name: with_unique
-- Who has a unique value, and no sort key.
SELECT
    r.id, r.kind, r.connection, r.external_id, r.seq, r.version, r.created, r.modified, r.deleted, r.document, NULL
FROM unique_value AS u
CROSS JOIN LATERAL (SELECT * FROM resource WHERE directory IN ($1, $1) AND id = u.id OFFSET 0) AS r
WHERE u.directory = $1 AND u.kind = $2 AND u.attribute = $3 AND u.value = $4;

-- name: with_external
-- Those with an externalId of a connection, or of all, by seq, no sort key, and how many these are.
SELECT
    id, kind, connection, external_id, seq, version, created, modified, deleted, document, NULL, count(*) OVER ()
FROM (
    SELECT * FROM resource
    WHERE directory = $1 AND kind = $2 AND external_id = $3
        AND (external_id IS NOT NULL OR to_tsvector('simple', id) @@ to_tsquery('simple', id))
    OFFSET 0
) AS r
WHERE ($4::bigint IS NULL OR connection = $4) AND deleted IS NULL
ORDER BY seq
LIMIT $5;

-- name: get_with_groups
-- Those of two lists, one by id or unique value and behind it one by a connection's externalId: the place in them, and
-- the groups in a JSON list, direct ones first. Of those with one externalId there are two at most.
-- UNION ends at a circle of groups. With the length of the list as a limit the planner takes it for short, and
-- keeps one plan for all lists.
SELECT
    n.place,
    CASE WHEN EXISTS (SELECT 1 FROM member WHERE directory IN ($1, $1) AND member_id = r.id OFFSET 0) THEN (
        WITH RECURSIVE up (id, direct) AS (
            SELECT m.group_id, 1 FROM member AS m WHERE m.directory IN ($1, $1) AND m.member_id = r.id
            UNION
            SELECT m.group_id, 0
            FROM up
            CROSS JOIN LATERAL (
                SELECT group_id FROM member WHERE directory IN ($1, $1) AND member_id = up.id OFFSET 0
            ) AS m
        ),

        named AS (
            SELECT g.id, g.display, g.seq, max(up.direct) AS direct
            FROM up
            CROSS JOIN LATERAL (
                SELECT id, display, seq FROM resource WHERE directory IN ($1, $1) AND id = up.id OFFSET 0
            ) AS g
            WHERE up.id <> r.id
            GROUP BY g.id, g.display, g.seq
        )

        SELECT json_agg(json_build_array(id, display, direct) ORDER BY direct DESC, seq) FROM named
    ) END,
    r.id, r.kind, r.connection, r.external_id, r.seq, r.version, r.created, r.modified, r.deleted, r.document
FROM (
    (SELECT j.place, CASE WHEN j.attribute IS NULL THEN j.value ELSE (
        SELECT u.id FROM unique_value AS u
        WHERE u.directory = $1 AND u.kind = $2 AND u.attribute = j.attribute AND u.value = j.value
    ) END AS id
    FROM unnest($3::text::text[], $4::text::text[]) WITH ORDINALITY AS j (attribute, value, place)
    LIMIT $7)
    UNION ALL
    (SELECT $7 + j.place, e.id
    FROM (
        SELECT * FROM unnest($5::text::bigint[], $6::text::text[])
            WITH ORDINALITY AS j (connection, external_id, place)
        LIMIT cardinality($5::text::bigint[])
    ) AS j
    CROSS JOIN LATERAL (
        SELECT o.id FROM (
            SELECT id, deleted FROM resource
            WHERE directory = $1 AND kind = $2 AND connection = j.connection AND external_id = j.external_id
                AND (external_id IS NOT NULL OR to_tsvector('simple', id) @@ to_tsquery('simple', id))
            OFFSET 0
        ) AS o
        WHERE o.deleted IS NULL
        LIMIT 2
    ) AS e)
) AS n
CROSS JOIN LATERAL (SELECT * FROM resource WHERE directory IN ($1, $1) AND id = n.id OFFSET 0) AS r
WHERE r.kind = $2 AND r.deleted IS NULL;
