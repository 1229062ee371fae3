-- Memberships from both sides, and members that name nobody yet.

-- name: memberships
-- The groups of each id in a JSON list, direct ones first; UNION ends at a circle of groups.
WITH RECURSIVE up (start, id, direct) AS (
    SELECT j.value, m.group_id, 1
    FROM json_each(?2) AS j CROSS JOIN member AS m ON m.directory = ?1 AND m.member_id = j.value
    UNION
    SELECT up.start, m.group_id, 0
    FROM up CROSS JOIN member AS m ON m.directory = ?1 AND m.member_id = up.id
)
SELECT up.start, g.id, g.display, max(up.direct) AS direct
FROM up CROSS JOIN resource AS g ON g.directory = ?1 AND g.id = up.id
WHERE up.id <> up.start
GROUP BY up.start, up.id
ORDER BY up.start, direct DESC, g.seq;

-- name: group_counts
-- In how many groups each id of a JSON list is directly.
SELECT j.value, count(*)
FROM json_each(?2) AS j CROSS JOIN member AS m ON m.directory = ?1 AND m.member_id = j.value
GROUP BY j.value;

-- name: members
-- A group's members behind an id, with their kind and the name they are shown by.
SELECT m.member_id, r.kind, coalesce(m.display, r.display)
FROM member AS m CROSS JOIN resource AS r ON r.directory = m.directory AND r.id = m.member_id
WHERE m.directory = ?1 AND m.group_id = ?2 AND m.member_id > ?3
ORDER BY m.member_id
LIMIT ?4;

-- name: few_members
-- A group's members if they are not more than a number; else a row that names nobody. The limit is looked at once,
-- a condition would be at each of its members.
WITH many AS MATERIALIZED (
    SELECT EXISTS (SELECT 1 FROM member WHERE directory = ?1 AND group_id = ?2 LIMIT 1 OFFSET ?3) AS is_so
)
SELECT NULL, NULL, NULL WHERE (SELECT is_so FROM many)
UNION ALL
SELECT * FROM (
    SELECT m.member_id, r.kind, coalesce(m.display, r.display)
    FROM member AS m CROSS JOIN resource AS r ON r.directory = m.directory AND r.id = m.member_id
    WHERE m.directory = ?1 AND m.group_id = ?2
    ORDER BY m.member_id
    LIMIT iif((SELECT is_so FROM many), 0, ?3)
);

-- name: member_count
-- The number of a group's members, counted up to a number.
SELECT count(*) FROM (SELECT 1 FROM member WHERE directory = ?1 AND group_id = ?2 LIMIT ?3);

-- name: pending_members
-- A group's values that name nobody yet, behind one.
SELECT value, NULL, display FROM pending_member WHERE directory = ?1 AND group_id = ?2 AND value > ?3
ORDER BY value
LIMIT ?4;

-- name: awaiting
-- The groups that wait for a value of a JSON list.
SELECT p.value, p.group_id, g.display
FROM json_each(?2) AS j
CROSS JOIN pending_member AS p ON p.directory = ?1 AND p.value = j.value
CROSS JOIN resource AS g ON g.directory = p.directory AND g.id = p.group_id
ORDER BY p.value, p.group_id
LIMIT ?3;

-- name: groups_with
-- The groups with a direct member.
SELECT group_id FROM member WHERE directory = ?1 AND member_id = ?2 ORDER BY group_id;

-- name: put_members
-- Add members, or give those there are the display listed: [[value, display], …].
INSERT INTO member (directory, group_id, member_id, display)
SELECT ?1, ?2, j.value ->> 0, j.value ->> 1 FROM json_each(?3) AS j WHERE true
ON CONFLICT (directory, group_id, member_id) DO UPDATE SET display = excluded.display;

-- name: put_pending
-- Add pending values, or give those there are the display listed: [[value, display], …].
INSERT INTO pending_member (directory, group_id, value, display)
SELECT ?1, ?2, j.value ->> 0, j.value ->> 1 FROM json_each(?3) AS j WHERE true
ON CONFLICT (directory, group_id, value) DO UPDATE SET display = excluded.display;

-- name: delete_members
-- Remove the members of a JSON list from a group.
DELETE FROM member
WHERE directory = ?1 AND group_id = ?2 AND member_id IN (SELECT value FROM json_each(?3))
RETURNING member_id;

-- name: delete_pending
-- Remove the pending values of a JSON list from a group.
DELETE FROM pending_member
WHERE directory = ?1 AND group_id = ?2 AND value IN (SELECT value FROM json_each(?3))
RETURNING value;

-- name: delete_other_members
-- Remove all members of a group but those of a JSON list.
DELETE FROM member
WHERE directory = ?1 AND group_id = ?2 AND member_id NOT IN (SELECT value FROM json_each(?3))
RETURNING member_id;

-- name: delete_other_pending
-- Remove all pending values of a group but those of a JSON list.
DELETE FROM pending_member
WHERE directory = ?1 AND group_id = ?2 AND value NOT IN (SELECT value FROM json_each(?3))
RETURNING value;

-- name: take_pending
-- Remove values of a JSON list wherever they are pending, those of a second one only in groups that a connection
-- made, and say which in which groups.
DELETE FROM pending_member
WHERE directory = ?1 AND value IN (SELECT value FROM json_each(?2)) AND (
    value NOT IN (SELECT value FROM json_each(?3))
    OR (SELECT g.connection FROM resource AS g WHERE g.directory = ?1 AND g.id = pending_member.group_id) = ?4
)
RETURNING group_id, value, display;

-- name: join_groups
-- Make a resource a member of groups: [[group, display], …]; those where it was none before.
INSERT INTO member (directory, group_id, member_id, display)
SELECT ?1, j.value ->> 0, ?2, j.value ->> 1 FROM json_each(?3) AS j WHERE true
ON CONFLICT (directory, group_id, member_id) DO NOTHING
RETURNING group_id;

-- name: leave_groups
-- End all memberships of a resource.
DELETE FROM member WHERE directory = ?1 AND member_id = ?2;

-- name: dismiss_members
-- End all memberships in a group.
DELETE FROM member WHERE directory = ?1 AND group_id = ?2;

-- name: dismiss_pending
-- Forget all values a group waits for.
DELETE FROM pending_member WHERE directory = ?1 AND group_id = ?2;

-- name: meant
-- Whom values name that are no ids, given as [[value, folded], …], and what these are to a group: who has the value as
-- the externalId of the connection that made the group, members of it first; else the user with this userName. And
-- whether that connection made them.
SELECT j.value ->> 0, r.id, m.member_id IS NOT NULL, m.display, r.connection = g.connection
FROM resource AS g
CROSS JOIN json_each(?3) AS j
CROSS JOIN resource AS r ON r.directory = ?1 AND r.id = coalesce(
    (
        SELECT o.id
        FROM resource AS o
        LEFT JOIN member AS n ON n.directory = ?1 AND n.group_id = ?2 AND n.member_id = o.id
        WHERE o.directory = ?1 AND o.kind IN ('User', 'Group') AND o.external_id = j.value ->> 0
            AND o.connection = g.connection AND o.deleted IS NULL
        ORDER BY n.member_id IS NULL, o.seq
        LIMIT 1
    ),
    (
        SELECT id FROM unique_value
        WHERE directory = ?1 AND kind = 'User' AND attribute = 'userName' AND value = j.value ->> 1
    )
)
LEFT JOIN member AS m ON m.directory = ?1 AND m.group_id = ?2 AND m.member_id = r.id
WHERE g.directory = ?1 AND g.id = ?2 AND NOT EXISTS (
    SELECT 1 FROM resource AS l
    WHERE l.directory = ?1 AND l.id = j.value ->> 0 AND l.kind IN ('User', 'Group') AND l.deleted IS NULL
);

-- name: standing
-- What each value of a JSON list is to a group: somebody who lives, a member, a pending value.
SELECT j.value, r.id IS NOT NULL, m.member_id IS NOT NULL, m.display, p.value IS NOT NULL, p.display
FROM json_each(?3) AS j
LEFT JOIN resource AS r
    ON r.directory = ?1 AND r.id = j.value AND r.kind IN ('User', 'Group') AND r.deleted IS NULL
LEFT JOIN member AS m ON m.directory = ?1 AND m.group_id = ?2 AND m.member_id = j.value
LEFT JOIN pending_member AS p ON p.directory = ?1 AND p.group_id = ?2 AND p.value = j.value;
