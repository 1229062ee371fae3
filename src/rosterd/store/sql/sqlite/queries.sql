-- Every statement but those of filters and listings, by name. The parameters are numbered; the
-- first is the directory wherever there is one.

-- name: get_resource
-- A live resource of a kind, by id.
SELECT id, kind, connection, external_id, seq, version, created, modified, deleted, document
FROM resource
WHERE directory = ?1 AND id = ?2 AND kind = ?3 AND deleted IS NULL;

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

-- name: owner_of
-- Who has a unique value.
SELECT id FROM unique_value WHERE directory = ?1 AND kind = ?2 AND attribute = ?3 AND value = ?4;

-- name: count_live
-- The number of live resources of a kind.
SELECT value FROM counter WHERE directory = ?1 AND name = 'live:' || ?2;

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

-- name: members
-- A group's members behind an id, with their kind and the name they are shown by.
SELECT m.member_id, r.kind, coalesce(m.display, r.display)
FROM member AS m CROSS JOIN resource AS r ON r.directory = m.directory AND r.id = m.member_id
WHERE m.directory = ?1 AND m.group_id = ?2 AND m.member_id > ?3
ORDER BY m.member_id
LIMIT ?4;

-- name: members_beyond
-- Whether a group has more members than a number.
SELECT 1 FROM member WHERE directory = ?1 AND group_id = ?2 LIMIT 1 OFFSET ?3;

-- name: pending_members
-- A group's values that name nobody yet.
SELECT value, NULL, display FROM pending_member WHERE directory = ?1 AND group_id = ?2 ORDER BY value;

-- name: events
-- The feed behind a number.
SELECT seq, type, kind, resource, at, connection, request_id, data
FROM event
WHERE directory = ?1 AND seq > ?2
ORDER BY seq
LIMIT ?3;

-- name: history
-- One resource's events, newest first.
SELECT seq, type, kind, resource, at, connection, request_id, data
FROM event
WHERE directory = ?1 AND resource = ?2 AND kind = ?3
ORDER BY seq DESC
LIMIT ?4;

-- name: groups_with
-- The groups with a direct member.
SELECT group_id FROM member WHERE directory = ?1 AND member_id = ?2 ORDER BY group_id;

-- name: next_seq
-- The next number of the directory's order.
INSERT INTO counter (directory, name, value) VALUES (?1, 'seq', 1)
ON CONFLICT (directory, name) DO UPDATE SET value = value + 1
RETURNING value;

-- name: insert_resource
-- Add a live resource; ?10 is its document, which also gives the name it is shown by.
INSERT INTO resource (
    directory, id, kind, connection, external_id, seq, version, created, modified, document, search, display
)
VALUES (
    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
    (
        SELECT value FROM json_each(CAST(?10 AS TEXT))
        WHERE key IN ('displayName', 'userName') AND type = 'text' AND value <> ''
        ORDER BY key LIMIT 1
    )
);

-- name: resource_exists
-- Whether an id is in use, live or retained.
SELECT 1 FROM resource WHERE directory = ?1 AND id = ?2;

-- name: update_resource
-- Replace what a change may change of a live resource.
UPDATE resource
SET connection = ?4, external_id = ?5, version = ?6, modified = ?7, document = ?8, search = ?9,
    display = (
        SELECT value FROM json_each(CAST(?8 AS TEXT))
        WHERE key IN ('displayName', 'userName') AND type = 'text' AND value <> ''
        ORDER BY key LIMIT 1
    )
WHERE directory = ?1 AND id = ?2 AND kind = ?3 AND deleted IS NULL;

-- name: touch_resource
-- Move a live resource's version by one.
UPDATE resource SET version = version + 1, modified = ?4
WHERE directory = ?1 AND id = ?2 AND kind = ?3 AND deleted IS NULL
RETURNING version;

-- name: retain_resource
-- Mark a live resource deleted; nothing searches it any more.
UPDATE resource
SET connection = ?4, external_id = ?5, version = ?6, modified = ?7, deleted = ?8, document = ?9, search = '{}'
WHERE directory = ?1 AND id = ?2 AND kind = ?3 AND deleted IS NULL;

-- name: revive_resource
-- Make a retained resource live again, with everything new but its id and kind.
UPDATE resource
SET connection = ?4, external_id = ?5, seq = ?6, version = ?7, created = ?8, modified = ?9, deleted = NULL,
    document = ?10, search = ?11,
    display = (
        SELECT value FROM json_each(CAST(?10 AS TEXT))
        WHERE key IN ('displayName', 'userName') AND type = 'text' AND value <> ''
        ORDER BY key LIMIT 1
    )
WHERE directory = ?1 AND id = ?2 AND kind = ?3 AND deleted IS NOT NULL;

-- name: erase_resource
-- Remove a live or retained resource, and say what was indexed of it.
DELETE FROM resource WHERE directory = ?1 AND id = ?2 AND kind = ?3 RETURNING search;

-- name: insert_unique
-- Take a unique value.
INSERT INTO unique_value (directory, kind, attribute, value, id) VALUES (?1, ?2, ?3, ?4, ?5);

-- name: delete_unique
-- Give a unique value free.
DELETE FROM unique_value WHERE directory = ?1 AND kind = ?2 AND attribute = ?3 AND value = ?4 AND id = ?5;

-- name: insert_value
-- Index a value.
INSERT INTO attribute_value (directory, kind, attribute, value, id) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO NOTHING;

-- name: delete_value
-- Take a value out of the index.
DELETE FROM attribute_value WHERE directory = ?1 AND kind = ?2 AND attribute = ?3 AND value = ?4 AND id = ?5;

-- name: standing
-- What each value of a JSON list is to a group: somebody who lives, a member, a pending value.
SELECT j.value, r.id IS NOT NULL, m.member_id IS NOT NULL, m.display, p.value IS NOT NULL, p.display
FROM json_each(?3) AS j
LEFT JOIN resource AS r
    ON r.directory = ?1 AND r.id = j.value AND r.kind IN ('User', 'Group') AND r.deleted IS NULL
LEFT JOIN member AS m ON m.directory = ?1 AND m.group_id = ?2 AND m.member_id = j.value
LEFT JOIN pending_member AS p ON p.directory = ?1 AND p.group_id = ?2 AND p.value = j.value;

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
-- Remove values of a JSON list wherever they are pending, and say in which groups.
DELETE FROM pending_member WHERE directory = ?1 AND value IN (SELECT value FROM json_each(?2))
RETURNING group_id, display;

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

-- name: append_event
-- Write an event.
INSERT INTO event (directory, seq, type, kind, resource, at, connection, request_id, data)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: credential
-- A token with its connection; the directory's revision says whether what is known of it is still true.
SELECT t.id, t.directory, t.connection, t.digest, t.label, t.scopes, t.created, t.expires, t.last_used, t.revoked,
    c.id, c.directory, c.name, c.created, c.profile, c.reach, c.on_delete,
    d.revision
FROM token AS t
JOIN connection AS c ON c.id = t.connection AND c.directory = t.directory
JOIN directory AS d ON d.id = t.directory
WHERE t.id = ?1;

-- name: get_directory
-- A directory by id.
SELECT id, name, created, revision, schemas, resource_types FROM directory WHERE id = ?1;

-- name: directories
-- All directories.
SELECT id, name, created, revision, schemas, resource_types FROM directory ORDER BY name;

-- name: insert_directory
-- Add a directory without definitions of its own.
INSERT INTO directory (name, created, revision, schemas, resource_types) VALUES (?1, ?2, 1, '[]', '[]')
RETURNING id, name, created, revision, schemas, resource_types;

-- name: define_directory
-- Replace a directory's own definitions.
UPDATE directory SET schemas = ?2, resource_types = ?3, revision = revision + 1 WHERE id = ?1
RETURNING id, name, created, revision, schemas, resource_types;

-- name: connections
-- A directory's connections.
SELECT id, directory, name, created, profile, reach, on_delete FROM connection
WHERE directory = ?1
ORDER BY name;

-- name: insert_connection
-- Add a connection.
INSERT INTO connection (directory, name, created, profile, reach, on_delete) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
RETURNING id, directory, name, created, profile, reach, on_delete;

-- name: update_connection
-- Replace a connection's profile and policy.
UPDATE connection SET profile = ?3, reach = ?4, on_delete = ?5 WHERE directory = ?1 AND id = ?2;

-- name: tokens
-- A directory's tokens, newest first; of one connection, or of all (NULL).
SELECT id, directory, connection, digest, label, scopes, created, expires, last_used, revoked FROM token
WHERE directory = ?1 AND (?2 IS NULL OR connection = ?2)
ORDER BY created DESC, id;

-- name: insert_token
-- Keep a token.
INSERT INTO token (id, directory, connection, digest, label, scopes, created, expires, last_used, revoked)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- name: revoke_token
-- Revoke a token; the earlier time counts.
UPDATE token SET revoked = min(coalesce(revoked, ?3), ?3) WHERE directory = ?1 AND id = ?2;

-- name: note_use
-- Move the last use of a token forward.
UPDATE token SET last_used = max(coalesce(last_used, 0), ?2) WHERE id = ?1;

-- name: get_secret
-- A key of the installation.
SELECT value FROM secret WHERE name = ?1;

-- name: insert_secret
-- Keep a key unless there is one already.
INSERT INTO secret (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING;
