-- Resources, their unique and indexed values, and their counts.

-- name: get_resource
-- A live resource of a kind, by id.
SELECT id, kind, connection, external_id, seq, version, created, modified, deleted, document
FROM resource
WHERE directory = ?1 AND id = ?2 AND kind = ?3 AND deleted IS NULL;

-- name: get_member
-- The same without what is asked for, as each column costs, and whether it is in a group.
SELECT connection, external_id, seq, version, created, modified, document,
    EXISTS (SELECT 1 FROM member WHERE directory = ?1 AND member_id = ?2)
FROM resource
WHERE directory = ?1 AND id = ?2 AND kind = ?3 AND deleted IS NULL;

-- name: find_member
-- Who has a unique value, and whether it is in a group.
SELECT r.id, r.kind, r.connection, r.external_id, r.seq, r.version, r.created, r.modified, r.deleted, r.document,
    EXISTS (SELECT 1 FROM member WHERE directory = ?1 AND member_id = r.id)
FROM unique_value AS u CROSS JOIN resource AS r ON r.directory = u.directory AND r.id = u.id
WHERE u.directory = ?1 AND u.kind = ?2 AND u.attribute = ?3 AND u.value = ?4;

-- name: get_resources
-- The live resources with the ids of a JSON list, and whether each is in a group.
SELECT r.id, r.kind, r.connection, r.external_id, r.seq, r.version, r.created, r.modified, r.deleted, r.document,
    EXISTS (SELECT 1 FROM member WHERE directory = ?1 AND member_id = r.id)
FROM json_each(?2) AS j CROSS JOIN resource AS r ON r.directory = ?1 AND r.id = j.value AND r.deleted IS NULL;

-- name: find_deleted
-- A retained resource of a kind, by id.
SELECT id, kind, connection, external_id, seq, version, created, modified, deleted, document
FROM resource
WHERE directory = ?1 AND id = ?2 AND kind = ?3 AND deleted IS NOT NULL;

-- name: retained
-- What a connection may revive under an externalId, newest deletion first.
SELECT id, kind, connection, external_id, seq, version, created, modified, deleted, document
FROM resource
WHERE directory = ?1 AND kind = ?2 AND connection = ?3 AND external_id = ?4 AND deleted IS NOT NULL
ORDER BY deleted DESC, seq DESC;

-- name: with_unique
-- Who has a unique value, and no sort key.
SELECT r.id, r.kind, r.connection, r.external_id, r.seq, r.version, r.created, r.modified, r.deleted, r.document, NULL
FROM unique_value AS u CROSS JOIN resource AS r ON r.directory = u.directory AND r.id = u.id
WHERE u.directory = ?1 AND u.kind = ?2 AND u.attribute = ?3 AND u.value = ?4;

-- name: with_external
-- Those with an externalId of a connection, or of all, by seq, and no sort key.
SELECT id, kind, connection, external_id, seq, version, created, modified, deleted, document, NULL
FROM resource
WHERE directory = ?1 AND kind = ?2 AND external_id = ?3 AND (connection = ?4 OR ?4 IS NULL) AND deleted IS NULL
ORDER BY +seq
LIMIT ?5;

-- name: count_external
-- How many these are.
SELECT count(*)
FROM resource
WHERE directory = ?1 AND kind = ?2 AND external_id = ?3 AND (connection = ?4 OR ?4 IS NULL) AND deleted IS NULL;

-- name: owner_of
-- Who has a unique value.
SELECT id FROM unique_value WHERE directory = ?1 AND kind = ?2 AND attribute = ?3 AND value = ?4;

-- name: count_live
-- The number of live resources of a kind.
SELECT value FROM counter WHERE directory = ?1 AND name = 'live:' || ?2;

-- name: count_owned
-- The number of live resources of a kind that a connection owns.
SELECT value FROM counter WHERE directory = ?1 AND name = 'owned:' || ?3 || ':' || ?2;

-- name: accounts
-- Resources of a kind in a state behind a number.
SELECT id, kind, connection, external_id, seq, version, created, modified, deleted, document
FROM resource
WHERE directory = ?1 AND kind = ?2 AND state = ?3 AND seq > ?4
ORDER BY seq
LIMIT ?5;

-- name: newest
-- Resources of a kind in a state below a number, newest first, of a connection or of all.
SELECT id, kind, connection, external_id, seq, version, created, modified, deleted, document
FROM resource
WHERE directory = ?1 AND kind = ?2 AND state = ?3 AND seq < ?4 AND (?6 IS NULL OR connection = ?6)
ORDER BY seq DESC
LIMIT ?5;

-- name: named_unique
-- Unique values from one to another, behind one, each with its resource if that is in the state wanted.
SELECT page.value, page.id, r.id, r.kind, r.connection, r.external_id, r.seq, r.version, r.created, r.modified,
    r.deleted, r.document
FROM (
    SELECT value, id FROM unique_value
    WHERE directory = ?1 AND kind = ?2 AND attribute = ?3 AND value >= ?4 AND value < ?5
        AND (value, id) > (?6, ?7)
    ORDER BY value
    LIMIT ?8
) AS page
LEFT JOIN resource AS r ON r.directory = ?1 AND r.id = page.id AND (?9 IS NULL OR r.state = ?9)
ORDER BY page.value, page.id;

-- name: named_value
-- The same of values that several resources may have.
SELECT page.value, page.id, r.id, r.kind, r.connection, r.external_id, r.seq, r.version, r.created, r.modified,
    r.deleted, r.document
FROM (
    SELECT value, id FROM attribute_value
    WHERE directory = ?1 AND kind = ?2 AND attribute = ?3 AND value >= ?4 AND value < ?5
        AND (value, id) > (?6, ?7)
    ORDER BY value, id
    LIMIT ?8
) AS page
LEFT JOIN resource AS r ON r.directory = ?1 AND r.id = page.id AND (?9 IS NULL OR r.state = ?9)
ORDER BY page.value, page.id;

-- name: note_seq
-- Note the newest number of the directory's order.
INSERT INTO counter (directory, name, value) VALUES (?1, 'seq', ?2)
ON CONFLICT (directory, name) DO UPDATE SET value = excluded.value;

-- name: foresee
-- What is there of that which units are going to look for: of names in a list, and of values in lists by their keys,
-- as to read each from an array of three costs more than to look for it. Where nobody waits, no name is looked for.
SELECT 'adopted', a.name, NULL, NULL
FROM (SELECT 1 FROM adoption WHERE directory = ?1 LIMIT 1)
CROSS JOIN json_each(?2) AS j CROSS JOIN adoption AS a ON a.directory = ?1 AND a.name = j.value
UNION ALL
SELECT 'retained', r.kind, r.connection, r.external_id
FROM json_each(?3) AS k CROSS JOIN json_each(k.value) AS e CROSS JOIN json_each(e.value) AS j CROSS JOIN resource AS r
    ON r.directory = ?1 AND r.kind = k.key AND r.external_id = j.value AND r.connection = e.key
    AND r.deleted IS NOT NULL
UNION ALL
SELECT 'awaited', p.value, NULL, NULL
FROM (SELECT 1 FROM pending_member WHERE directory = ?1 LIMIT 1)
CROSS JOIN json_each(?4) AS j CROSS JOIN pending_member AS p ON p.directory = ?1 AND p.value = j.value
UNION ALL
SELECT 'unique', v.kind, v.attribute, v.value
FROM json_each(?5) AS k CROSS JOIN json_each(k.value) AS e CROSS JOIN json_each(e.value) AS j
CROSS JOIN unique_value AS v
    ON v.directory = ?1 AND v.kind = k.key AND v.attribute = e.key AND v.value = j.value;

-- name: insert_resource
-- Add a live resource.
INSERT INTO resource (
    directory, id, kind, connection, external_id, seq, version, created, modified, document, search, display
)
VALUES (
    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
);

-- name: resource_exists
-- Whether an id is in use, live or retained.
SELECT 1 FROM resource WHERE directory = ?1 AND id = ?2;

-- name: update_resource
-- Replace what a change may change of a live resource, but for whose it is: that would run a trigger.
UPDATE resource
SET external_id = v.column4, version = v.column5, modified = v.column6, document = v.column7, search = v.column8,
    display = v.column9
FROM (VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)) AS v
WHERE resource.directory = v.column1 AND resource.id = v.column2 AND resource.kind = v.column3
    AND resource.deleted IS NULL;

-- name: hand_over
-- Make a live resource a connection's, if it is another's.
UPDATE resource SET connection = ?4
WHERE directory = ?1 AND id = ?2 AND kind = ?3 AND deleted IS NULL AND connection <> ?4;

-- name: touch_resource
-- Move a live resource's version by one.
UPDATE resource SET version = version + 1, modified = ?4
WHERE directory = ?1 AND id = ?2 AND kind = ?3 AND deleted IS NULL
RETURNING version;

-- name: touch_resources
-- The same for those of a JSON list.
UPDATE resource SET version = version + 1, modified = ?4
WHERE directory = ?1 AND id IN (SELECT value FROM json_each(?2)) AND kind = ?3 AND deleted IS NULL;

-- name: retain_resource
-- Mark a live resource deleted; nothing searches it any more.
UPDATE resource
SET connection = ?4, external_id = ?5, version = ?6, modified = ?7, deleted = ?8, document = ?9, search = '{}'
WHERE directory = ?1 AND id = ?2 AND kind = ?3 AND deleted IS NULL;

-- name: revive_resource
-- Make a retained resource live again, with everything new but its id and kind.
UPDATE resource
SET connection = ?4, external_id = ?5, seq = ?6, version = ?7, created = ?8, modified = ?9, deleted = NULL,
    document = ?10, search = ?11, display = ?12
WHERE directory = ?1 AND id = ?2 AND kind = ?3 AND deleted IS NOT NULL;

-- name: erase_resource
-- Remove a live or retained resource, and say what was indexed of it.
DELETE FROM resource WHERE directory = ?1 AND id = ?2 AND kind = ?3 RETURNING search, seq;

-- name: insert_unique
-- Take a unique value.
INSERT INTO unique_value (directory, kind, attribute, value, id) VALUES (?1, ?2, ?3, ?4, ?5);

-- name: delete_unique
-- Give a unique value free.
DELETE FROM unique_value WHERE (directory = ?1 AND kind = ?2 AND attribute = ?3 AND value = ?4 AND id = ?5);

-- name: insert_value
-- Index a value.
INSERT INTO attribute_value (directory, kind, attribute, value, id) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO NOTHING;

-- name: delete_value
-- Take a value out of the index.
DELETE FROM attribute_value WHERE (directory = ?1 AND kind = ?2 AND attribute = ?3 AND value = ?4 AND id = ?5);
