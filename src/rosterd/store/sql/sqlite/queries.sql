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

-- name: count_owned
-- The number of live resources of a kind that a connection owns.
SELECT value FROM counter WHERE directory = ?1 AND name = 'owned:' || ?3 || ':' || ?2;

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
-- A group's values that name nobody yet, behind one.
SELECT value, NULL, display FROM pending_member WHERE directory = ?1 AND group_id = ?2 AND value > ?3
ORDER BY value
LIMIT ?4;

-- name: accounts
-- Resources of a kind in a state behind a number.
SELECT id, kind, connection, external_id, seq, version, created, modified, deleted, document
FROM resource
WHERE directory = ?1 AND kind = ?2 AND state = ?3 AND seq > ?4
ORDER BY seq
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

-- name: events
-- The feed behind a number.
SELECT seq, type, kind, resource, at, connection, request_id, data
FROM event
WHERE directory = ?1 AND seq > ?2
ORDER BY seq
LIMIT ?3;

-- name: feed
-- The feed behind a number up to another; of the types of a JSON list of patterns, or of all (NULL).
SELECT seq, type, kind, resource, at, connection, request_id, data
FROM event
WHERE directory = ?1 AND seq > ?2 AND seq <= ?3
    AND (?4 IS NULL OR EXISTS (SELECT 1 FROM json_each(?4) AS j WHERE event.type GLOB j.value))
ORDER BY seq
LIMIT ?5;

-- name: feed_edges
-- The newest number of the directory's order, and the newest event that is not kept any more.
SELECT
    coalesce((SELECT value FROM counter WHERE directory = ?1 AND name = 'seq'), 0),
    coalesce((SELECT value FROM counter WHERE directory = ?1 AND name = 'forgotten'), 0);

-- name: history
-- One resource's events before a number, newest first.
SELECT seq, type, kind, resource, at, connection, request_id, data
FROM event INDEXED BY event_history
WHERE directory = ?1 AND resource = ?2 AND kind = ?3 AND seq < ?5
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
-- Replace what a change may change of a live resource.
UPDATE resource
SET connection = ?4, external_id = ?5, version = ?6, modified = ?7, document = ?8, search = ?9, display = ?10
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
    document = ?10, search = ?11, display = ?12
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

-- name: oldest_events
-- The beginning of the feed: numbers and times.
SELECT seq, at FROM event WHERE directory = ?1 ORDER BY seq LIMIT ?2;

-- name: delete_events
-- Forget the events up to a number.
DELETE FROM event WHERE directory = ?1 AND seq <= ?2;

-- name: note_forgotten
-- Note the newest event that is not kept any more.
INSERT INTO counter (directory, name, value) VALUES (?1, 'forgotten', ?2)
ON CONFLICT (directory, name) DO UPDATE SET value = max(value, excluded.value);

-- name: credential
-- A token with its connection; the directory's revision says whether what is known of it is still true.
SELECT t.id, t.directory, t.connection, t.digest, t.label, t.scopes, t.created, t.expires, t.last_used, t.revoked,
    t.client,
    c.id, c.directory, c.name, c.created, c.profile, c.reach, c.on_delete, c.limits,
    c.state, c.state_by, c.state_reason, c.state_since,
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
SELECT id, directory, name, created, profile, reach, on_delete, limits, state, state_by, state_reason, state_since
FROM connection
WHERE directory = ?1
ORDER BY name;

-- name: insert_connection
-- Add a connection.
INSERT INTO connection (directory, name, created, profile, reach, on_delete, limits)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
RETURNING id, directory, name, created, profile, reach, on_delete, limits,
    state, state_by, state_reason, state_since;

-- name: update_connection
-- Replace a connection's profile and policy.
UPDATE connection SET profile = ?3, reach = ?4, on_delete = ?5, limits = ?6 WHERE directory = ?1 AND id = ?2;

-- name: connection_standing
-- How a connection stands.
SELECT state, state_by, state_reason, state_since FROM connection WHERE directory = ?1 AND id = ?2;

-- name: set_connection_standing
-- Make a connection stand otherwise.
UPDATE connection SET state = ?3, state_by = ?4, state_reason = ?5, state_since = ?6
WHERE directory = ?1 AND id = ?2;

-- name: loss
-- What a connection has taken away in its present window.
SELECT began, lost, live FROM fuse_window WHERE directory = ?1 AND connection = ?2;

-- name: set_loss
-- Replace what a connection has taken away.
INSERT INTO fuse_window (directory, connection, began, lost, live) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (directory, connection) DO UPDATE
SET began = excluded.began, lost = excluded.lost, live = excluded.live;

-- name: forget_loss
-- A connection has taken nothing away.
DELETE FROM fuse_window WHERE directory = ?1 AND connection = ?2;

-- name: tokens
-- A directory's tokens, newest first; of one connection, or of all (NULL).
SELECT id, directory, connection, digest, label, scopes, created, expires, last_used, revoked, client FROM token
WHERE directory = ?1 AND (?2 IS NULL OR connection = ?2)
ORDER BY created DESC, id;

-- name: insert_token
-- Keep a token.
INSERT INTO token (id, directory, connection, digest, label, scopes, created, expires, last_used, revoked, client)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);

-- name: revoke_token
-- Revoke a token; the earlier time counts.
UPDATE token SET revoked = min(coalesce(revoked, ?3), ?3) WHERE directory = ?1 AND id = ?2;

-- name: note_use
-- Move the last use of a token forward.
UPDATE token SET last_used = max(coalesce(last_used, 0), ?2) WHERE id = ?1;

-- name: expired_tokens
-- Some tokens that expired before a time.
SELECT id FROM token WHERE expires < ?1 ORDER BY expires LIMIT ?2;

-- name: delete_tokens
-- Remove the tokens of a JSON list.
DELETE FROM token WHERE id IN (SELECT value FROM json_each(?1));

-- name: get_client
-- A client with its secrets, the newest first.
SELECT c.id, c.directory, c.connection, c.label, c.scopes, c.created, c.last_used, c.revoked,
    s.digest, s.created, s.expires
FROM client AS c LEFT JOIN client_secret AS s ON s.client = c.id
WHERE c.id = ?1
ORDER BY s.created DESC, s.digest;

-- name: clients
-- A directory's clients with their secrets, newest first; of one connection, or of all (NULL).
SELECT c.id, c.directory, c.connection, c.label, c.scopes, c.created, c.last_used, c.revoked,
    s.digest, s.created, s.expires
FROM client AS c LEFT JOIN client_secret AS s ON s.client = c.id
WHERE c.directory = ?1 AND (?2 IS NULL OR c.connection = ?2)
ORDER BY c.created DESC, c.id, s.created DESC, s.digest;

-- name: insert_client
-- Keep a client.
INSERT INTO client (id, directory, connection, label, scopes, created, last_used, revoked)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- name: insert_client_secret
-- Keep a secret of a client.
INSERT INTO client_secret (client, digest, created, expires) VALUES (?1, ?2, ?3, ?4);

-- name: end_client_secrets
-- All secrets of a directory's client end at ?3, if not earlier.
UPDATE client_secret SET expires = min(coalesce(expires, ?3), ?3)
WHERE client = (SELECT id FROM client WHERE directory = ?1 AND id = ?2);

-- name: forget_client_secrets
-- Remove the secrets of a directory's client that ended by ?3.
DELETE FROM client_secret
WHERE client = (SELECT id FROM client WHERE directory = ?1 AND id = ?2) AND expires <= ?3;

-- name: note_client_use
-- Move the last use of a client forward, unless it is revoked.
UPDATE client SET last_used = max(coalesce(last_used, 0), ?3)
WHERE directory = ?1 AND id = ?2 AND (revoked IS NULL OR revoked > ?3);

-- name: revoke_client
-- Revoke a client; the earlier time counts.
UPDATE client SET revoked = min(coalesce(revoked, ?3), ?3) WHERE directory = ?1 AND id = ?2;

-- name: revoke_client_tokens
-- Revoke what a client was issued and has not expired; the earlier time counts.
UPDATE token SET revoked = min(coalesce(revoked, ?3), ?3)
WHERE directory = ?1 AND client = ?2 AND expires > ?3;

-- name: get_secret
-- A key of the installation.
SELECT value FROM secret WHERE name = ?1;

-- name: insert_secret
-- Keep a key unless there is one already.
INSERT INTO secret (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING;

-- name: directory_named
-- A directory by name.
SELECT id, name, created, revision, schemas, resource_types FROM directory WHERE name = ?1;

-- name: directory_page
-- Directories behind a name.
SELECT id, name, created, revision, schemas, resource_types FROM directory WHERE name > ?1
ORDER BY name
LIMIT ?2;

-- name: connection_named
-- A directory's connection by name.
SELECT id, directory, name, created, profile, reach, on_delete, limits, state, state_by, state_reason, state_since
FROM connection
WHERE directory = ?1 AND name = ?2;

-- name: connection_page
-- A directory's connections behind a name.
SELECT id, directory, name, created, profile, reach, on_delete, limits, state, state_by, state_reason, state_since
FROM connection
WHERE directory = ?1 AND name > ?2
ORDER BY name
LIMIT ?3;

-- name: get_token
-- A directory's token.
SELECT id, directory, connection, digest, label, scopes, created, expires, last_used, revoked, client FROM token
WHERE directory = ?1 AND id = ?2;

-- name: token_page
-- A connection's tokens behind a time of creation and an id, newest first.
SELECT id, directory, connection, digest, label, scopes, created, expires, last_used, revoked, client FROM token
WHERE directory = ?1 AND connection = ?2 AND created <= ?3 AND (created < ?3 OR id > ?4)
ORDER BY created DESC, id
LIMIT ?5;

-- name: get_api_key
-- An API key.
SELECT id, digest, directory, label, scopes, created, expires, last_used, revoked FROM api_key WHERE id = ?1;

-- name: api_keys
-- All API keys, newest first.
SELECT id, digest, directory, label, scopes, created, expires, last_used, revoked FROM api_key
ORDER BY created DESC, id;

-- name: insert_api_key
-- Keep an API key.
INSERT INTO api_key (id, digest, directory, label, scopes, created, expires, last_used, revoked)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: revoke_api_key
-- Revoke an API key; the earlier time counts.
UPDATE api_key SET revoked = min(coalesce(revoked, ?2), ?2) WHERE id = ?1;

-- name: note_key_use
-- Move the last use of an API key forward.
UPDATE api_key SET last_used = max(coalesce(last_used, 0), ?2) WHERE id = ?1;

-- name: get_replay
-- What came of a request with an idempotency key.
SELECT digest, status, body FROM replay WHERE api_key = ?1 AND name = ?2;

-- name: insert_replay
-- Begin a request with an idempotency key.
INSERT INTO replay (api_key, name, digest, begun) VALUES (?1, ?2, ?3, ?4);

-- name: settle_replay
-- Keep what came of it.
UPDATE replay SET status = ?3, body = ?4 WHERE api_key = ?1 AND name = ?2;

-- name: delete_replay
-- Forget it.
DELETE FROM replay WHERE api_key = ?1 AND name = ?2;

-- name: forget_replays
-- Forget those begun before a time.
DELETE FROM replay WHERE begun < ?1;

-- name: client_page
-- The ids of a connection's clients behind a time of creation and an id, newest first.
SELECT id, created FROM client
WHERE directory = ?1 AND connection = ?2 AND created <= ?3 AND (created < ?3 OR id > ?4)
ORDER BY created DESC, id
LIMIT ?5;
