-- Memberships from both sides, and members that name nobody yet. OFFSET keeps look-ups by key apart, as in
-- resources.sql.

-- name: memberships
-- The groups of each id, direct ones first; UNION ends at a circle of groups. $3 is as in get_with_groups.
WITH RECURSIVE up (start, id, direct) AS (
    SELECT j.value, m.group_id, 1
    FROM (SELECT value FROM unnest($2::text[]) AS j (value) LIMIT $3) AS j
    CROSS JOIN LATERAL (
        SELECT group_id FROM member WHERE directory IN ($1, $1) AND member_id = j.value OFFSET 0
    ) AS m
    UNION
    SELECT up.start, m.group_id, 0
    FROM up
    CROSS JOIN LATERAL (
        SELECT group_id FROM member WHERE directory IN ($1, $1) AND member_id = up.id OFFSET 0
    ) AS m
)
SELECT up.start, g.id, g.display, max(up.direct) AS direct
FROM up
CROSS JOIN LATERAL (SELECT id, display, seq FROM resource WHERE directory IN ($1, $1) AND id = up.id OFFSET 0) AS g
WHERE up.id <> up.start
GROUP BY up.start, g.id, g.display, g.seq
ORDER BY up.start, direct DESC, g.seq;

-- name: group_counts
-- In how many groups each id is directly.
SELECT j.value, count(*)
FROM unnest($2::text[]) AS j (value)
CROSS JOIN LATERAL (SELECT 1 FROM member WHERE directory IN ($1, $1) AND member_id = j.value OFFSET 0) AS m
GROUP BY j.value;

-- name: members
-- A group's members behind an id, with their kind and the name they are shown by.
SELECT m.member_id, r.kind, coalesce(m.display, r.display)
FROM (
    SELECT member_id, display FROM member
    WHERE directory = $1 AND group_id = $2 AND member_id > $3
    ORDER BY member_id
    LIMIT $4::bigint
) AS m JOIN resource AS r ON r.directory = $1 AND r.id = m.member_id
ORDER BY m.member_id;

-- name: few_members
-- A group's members if they are not more than a number; else a row that names nobody.
WITH many AS MATERIALIZED (
    SELECT 1 FROM member WHERE directory = $1 AND group_id = $2 LIMIT 1 OFFSET $3::bigint
)

SELECT NULL AS id, NULL AS kind, NULL AS display WHERE EXISTS (SELECT 1 FROM many)
UNION ALL
SELECT m.member_id, r.kind, coalesce(m.display, r.display)
FROM (
    SELECT member_id, display FROM member
    WHERE directory = $1 AND group_id = $2 AND NOT EXISTS (SELECT 1 FROM many)
    LIMIT $3::bigint
) AS m JOIN resource AS r ON r.directory = $1 AND r.id = m.member_id
ORDER BY 1;

-- name: member_count
-- The number of a group's members, counted up to a number.
SELECT count(*) FROM (SELECT 1 FROM member WHERE directory = $1 AND group_id = $2 LIMIT $3) AS counted;

-- name: pending_members
-- A group's values that name nobody yet, behind one.
SELECT value, NULL::text, display FROM pending_member WHERE directory = $1 AND group_id = $2 AND value > $3
ORDER BY value
LIMIT $4::bigint;

-- name: awaiting
-- The groups that wait for one of some values.
SELECT p.value, p.group_id, g.display
FROM (SELECT DISTINCT value FROM unnest($2::text[]) AS n (value)) AS j
CROSS JOIN LATERAL (
    SELECT value, group_id FROM pending_member WHERE directory IN ($1, $1) AND value = j.value OFFSET 0
) AS p
CROSS JOIN LATERAL (SELECT display FROM resource WHERE directory IN ($1, $1) AND id = p.group_id OFFSET 0) AS g
ORDER BY p.value, p.group_id
LIMIT $3;

-- name: shown_members
-- Groups, each with a number: that, how many members it has, counted to $4 above it, and who they are if not more.
SELECT g.id, g.most, size.n, m.member_id, r.kind, coalesce(m.display, r.display)
FROM unnest($2::text[], $3::bigint[]) AS g (id, most)
CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM (
        SELECT 1 FROM member WHERE directory = $1 AND group_id = g.id LIMIT g.most + $4::bigint
    ) AS counted
) AS size
LEFT JOIN LATERAL (
    SELECT member_id, display FROM member
    WHERE directory = $1 AND group_id = g.id AND size.n <= g.most
    OFFSET 0
) AS m ON TRUE
LEFT JOIN LATERAL (
    SELECT kind, display FROM resource WHERE directory IN ($1, $1) AND id = m.member_id OFFSET 0
) AS r ON TRUE;

-- name: change_members
-- Members and pending values that are put or removed, each given once, and versions of resources known to live.
WITH put AS (
    INSERT INTO member (directory, group_id, member_id, display)
    SELECT $1, j.id, j.value, j.display FROM unnest($2::text[], $3::text[], $4::text[]) AS j (id, value, display)
    ON CONFLICT (directory, group_id, member_id) DO UPDATE SET display = excluded.display
),

gone AS (
    DELETE FROM member AS m
    USING (SELECT * FROM unnest($5::text[], $6::text[]) AS n (id, value) LIMIT cardinality($5)) AS j
    WHERE m.directory IN ($1, $1) AND m.group_id = j.id AND m.member_id = j.value
),

announced AS (
    INSERT INTO pending_member (directory, group_id, value, display)
    SELECT $1, j.id, j.value, j.display FROM unnest($7::text[], $8::text[], $9::text[]) AS j (id, value, display)
    ON CONFLICT (directory, group_id, value) DO UPDATE SET display = excluded.display
),

dropped AS (
    DELETE FROM pending_member AS p
    USING (SELECT * FROM unnest($10::text[], $11::text[]) AS n (id, value) LIMIT cardinality($10)) AS j
    WHERE p.directory IN ($1, $1) AND p.group_id = j.id AND p.value = j.value
)

UPDATE resource AS r SET version = n.version, modified = n.modified
FROM (
    SELECT * FROM unnest($12::text[], $13::bigint[], $14::bigint[]) AS j (id, version, modified)
    LIMIT cardinality($12)
) AS n
WHERE r.directory IN ($1, $1) AND r.id = n.id;

-- name: put_members
-- Add members, or give those there are the display listed.
INSERT INTO member (directory, group_id, member_id, display)
SELECT $1, $2, j.value, j.display FROM unnest($3::text[], $4::text[]) AS j (value, display)
ON CONFLICT (directory, group_id, member_id) DO UPDATE SET display = excluded.display;

-- name: put_pending
-- Add pending values, or give those there are the display listed.
INSERT INTO pending_member (directory, group_id, value, display)
SELECT $1, $2, j.value, j.display FROM unnest($3::text[], $4::text[]) AS j (value, display)
ON CONFLICT (directory, group_id, value) DO UPDATE SET display = excluded.display;

-- name: delete_members
-- Remove members from a group.
DELETE FROM member
WHERE directory = $1 AND group_id = $2 AND member_id = ANY($3::text[])
RETURNING member_id;

-- name: delete_pending
-- Remove pending values from a group.
DELETE FROM pending_member
WHERE directory = $1 AND group_id = $2 AND value = ANY($3::text[])
RETURNING value;

-- name: delete_other_members
-- Remove all members of a group but some, none of which is NULL: so they are hashed, whatever is known of the
-- table. An anti join would compare each with each where it has no statistics.
DELETE FROM member AS m
WHERE m.directory = $1 AND m.group_id = $2
    AND m.member_id NOT IN (SELECT unnest($3::text[]))
RETURNING m.member_id;

-- name: delete_other_pending
-- Remove all pending values of a group but some, in the same way.
DELETE FROM pending_member AS p
WHERE p.directory = $1 AND p.group_id = $2
    AND p.value NOT IN (SELECT unnest($3::text[]))
RETURNING p.value;

-- name: resolve_pending
-- Make a resource a member wherever one of some values is pending, those of a second list only in groups that a
-- connection made: groups, values, and whether it is new there.
WITH taken AS (
    DELETE FROM pending_member AS p
    USING (SELECT value FROM unnest($3::text[]) AS n (value) LIMIT cardinality($3)) AS j
    WHERE p.directory IN ($1, $1) AND p.value = j.value AND (
        p.value <> ALL($4::text[])
        OR (SELECT connection FROM resource WHERE directory IN ($1, $1) AND id = p.group_id OFFSET 0) = $5
    )
    RETURNING p.group_id, p.value, p.display
),

joined AS (
    INSERT INTO member (directory, group_id, member_id, display)
    SELECT $1, group_id, $2, max(nullif(display, '')) FROM taken GROUP BY group_id
    ON CONFLICT (directory, group_id, member_id) DO NOTHING
    RETURNING group_id
)

SELECT t.group_id, t.value, j.group_id IS NOT NULL
FROM taken AS t LEFT JOIN joined AS j ON j.group_id = t.group_id
ORDER BY t.group_id, t.value;

-- name: meant
-- Whom values name that are no ids, each with it folded, and what these are to a group: who has the value as the
-- externalId of the connection that made the group, members of it first; else the user with this userName. And whether
-- that connection made them.
SELECT j.value, r.id, m.member_id IS NOT NULL, m.display, r.connection = g.connection
FROM (SELECT * FROM unnest($3::text[], $4::text[]) AS n (value, folded) LIMIT cardinality($3)) AS j
CROSS JOIN LATERAL (SELECT connection FROM resource WHERE directory IN ($1, $1) AND id = $2 OFFSET 0) AS g
CROSS JOIN LATERAL (
    SELECT coalesce(
        (
            SELECT o.id
            FROM (VALUES ('User'), ('Group')) AS k (kind)
            CROSS JOIN LATERAL (
                SELECT id, seq, deleted FROM resource
                WHERE directory = $1 AND kind = k.kind AND connection = g.connection AND external_id = j.value
                    AND (external_id IS NOT NULL OR to_tsvector('simple', id) @@ to_tsquery('simple', id))
                OFFSET 0
            ) AS o
            LEFT JOIN LATERAL (
                SELECT member_id FROM member WHERE directory = $1 AND group_id = $2 AND member_id = o.id OFFSET 0
            ) AS n ON TRUE
            WHERE o.deleted IS NULL
            ORDER BY n.member_id IS NULL, o.seq
            LIMIT 1
        ),
        (
            SELECT id FROM unique_value
            WHERE directory = $1 AND kind = 'User' AND attribute = 'userName' AND value = j.folded
        )
    ) AS id
) AS named
CROSS JOIN LATERAL (SELECT id, connection FROM resource WHERE directory IN ($1, $1) AND id = named.id OFFSET 0) AS r
LEFT JOIN LATERAL (
    SELECT member_id, display FROM member WHERE directory = $1 AND group_id = $2 AND member_id = r.id OFFSET 0
) AS m ON TRUE
LEFT JOIN LATERAL (
    SELECT kind, deleted FROM resource WHERE directory IN ($1, $1) AND id = j.value OFFSET 0
) AS l ON l.kind IN ('User', 'Group') AND l.deleted IS NULL
WHERE l.kind IS NULL;

-- name: standing
-- What each value is to its group: somebody who lives, a member, a pending value; of the first the kind and name.
SELECT
    j.value, r.id IS NOT NULL, m.member_id IS NOT NULL, m.display, p.value IS NOT NULL, p.display, r.kind, r.display
FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS j (id, value, place)
LEFT JOIN LATERAL (
    SELECT id, kind, deleted, display FROM resource WHERE directory IN ($1, $1) AND id = j.value OFFSET 0
) AS r ON r.kind IN ('User', 'Group') AND r.deleted IS NULL
LEFT JOIN LATERAL (
    SELECT member_id, display FROM member WHERE directory = $1 AND group_id = j.id AND member_id = j.value OFFSET 0
) AS m ON TRUE
LEFT JOIN LATERAL (
    SELECT value, display FROM pending_member
    WHERE directory = $1 AND group_id = j.id AND value = j.value
    OFFSET 0
) AS p ON TRUE
ORDER BY j.place;
