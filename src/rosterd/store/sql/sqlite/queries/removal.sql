-- A directory that is deleted: at once it is not there any more, and then its rows go, portion by portion. That the
-- directory is asked for by itself, and not in the list, is what has SQLite look each row up by its whole key. At the
-- end a connection that is deleted.

-- name: removable_directory
-- The name of a directory that was not deleted yet.
SELECT name FROM directory WHERE id = ?1 AND removed IS NULL;

-- name: remove_directory
-- It is not there any more, and its name is free: no directory can be called as the row is now.
UPDATE directory SET name = name || '#' || id, removed = ?2, revision = revision + 1
WHERE id = ?1 AND removed IS NULL;

-- name: is_removed
-- Whether a directory was deleted.
SELECT 1 FROM directory WHERE id = ?1 AND removed IS NOT NULL;

-- name: end_connections
-- Releases that do not know of deleted directories let no connection of one speak either.
UPDATE connection SET state = 'disabled', state_by = '', state_reason = 'The directory was deleted.', state_since = ?2
WHERE directory = ?1 AND state <> 'disabled';

-- name: end_clients
-- Nor do they give its clients tokens.
UPDATE client SET revoked = ?2 WHERE directory = ?1 AND (revoked IS NULL OR revoked > ?2);

-- name: end_api_keys
-- Nor do they take its API keys.
UPDATE api_key SET revoked = ?2 WHERE directory = ?1 AND (revoked IS NULL OR revoked > ?2);

-- name: end_webhooks
-- Nothing is sent to its endpoints any more.
UPDATE webhook SET state = 'disabled', state_by = '', state_reason = 'The directory was deleted.', state_since = ?2
WHERE directory = ?1 AND state <> 'disabled';

-- name: end_lines
-- Whoever has the lease of one of its lines has lost it.
DELETE FROM webhook_line WHERE directory = ?1;

-- name: end_administrators
-- Who was bound to it is an administrator no more, and logged out.
DELETE FROM administrator WHERE directory = ?1;

-- name: end_setup_links
-- Its set-up links lead nowhere, and whoever came by one is logged out.
DELETE FROM setup_link WHERE directory = ?1;

-- name: end_mapping
-- Nobody carries out its mapping any more.
DELETE FROM mapping WHERE directory = ?1;

-- name: removed_directories
-- Directories that were deleted by a time, and since when nothing is left of each.
SELECT id, name, removed, cleared FROM directory WHERE removed <= ?1 ORDER BY id;

-- name: note_cleared
-- Nothing is left of it: what it defined goes too. The row stays, as its number is not to be given out again.
UPDATE directory SET cleared = ?2, schemas = '[]', resource_types = '[]', requirements = '{}'
WHERE id = ?1 AND removed IS NOT NULL AND cleared IS NULL;

-- name: clear_token
-- Take a portion of its tokens away.
DELETE FROM token WHERE id IN (SELECT id FROM token WHERE directory = ?1 LIMIT ?2);

-- name: clear_client_secret
-- Take a portion of the secrets of its clients away.
DELETE FROM client_secret WHERE (client, digest) IN (
    SELECT s.client, s.digest FROM client AS k JOIN client_secret AS s ON s.client = k.id
    WHERE k.directory = ?1
    LIMIT ?2
);

-- name: clear_client
-- Take a portion of its clients away.
DELETE FROM client WHERE id IN (SELECT id FROM client WHERE directory = ?1 LIMIT ?2);

-- name: clear_replay
-- Take a portion of the replies away that are kept for its API keys.
DELETE FROM replay WHERE (api_key, name) IN (
    SELECT r.api_key, r.name FROM api_key AS k JOIN replay AS r ON r.api_key = k.id
    WHERE k.directory = ?1
    LIMIT ?2
);

-- name: clear_api_key
-- Take a portion of its API keys away.
DELETE FROM api_key WHERE id IN (SELECT id FROM api_key WHERE directory = ?1 LIMIT ?2);

-- name: clear_fuse_window
-- Take what its connections have lost away.
DELETE FROM fuse_window WHERE directory = ?1;

-- name: own_attempts
-- Some entries of the log of deliveries to its own endpoints.
SELECT a.seq FROM webhook AS w JOIN webhook_attempt AS a ON a.webhook = w.id WHERE w.directory = ?1 LIMIT ?2;

-- name: other_attempts
-- Some entries about it of the log of deliveries to endpoints of all directories.
SELECT a.seq FROM webhook AS w JOIN webhook_attempt AS a ON a.webhook = w.id
WHERE w.directory IS NULL AND a.directory = ?1
LIMIT ?2;

-- name: clear_webhook_attempt
-- Take the entries of a JSON list away.
DELETE FROM webhook_attempt WHERE seq IN (SELECT value FROM json_each(?1));

-- name: clear_webhook
-- Take its endpoints away, with their secrets and streams.
DELETE FROM webhook WHERE directory = ?1;

-- name: clear_connection
-- Take a portion of its connections away.
DELETE FROM connection WHERE id IN (SELECT id FROM connection WHERE directory = ?1 LIMIT ?2);

-- name: clear_removed_connection
-- Take a portion of its deleted connections away.
DELETE FROM removed_connection
WHERE directory = ?1 AND id IN (SELECT id FROM removed_connection WHERE directory = ?1 LIMIT ?2);

-- name: resource_portion
-- What the index of parts of texts has of a portion of its resources, or NULL, and their last id.
SELECT id, seq, CASE WHEN deleted IS NULL THEN search END FROM resource
WHERE directory = ?1
ORDER BY id
LIMIT ?2;

-- name: clear_resource
-- Take the resources up to an id away.
DELETE FROM resource WHERE directory = ?1 AND id <= ?2;

-- name: clear_request_hour
-- Take a portion of its hours of its request log away.
DELETE FROM request_hour WHERE directory = ?1 AND (connection, hour) IN (
    SELECT connection, hour FROM request_hour WHERE directory = ?1 ORDER BY connection, hour LIMIT ?2
);

-- name: clear_request
-- Take a portion of its request log away.
DELETE FROM request
WHERE directory = ?1 AND seq <= (
    SELECT seq FROM (
        SELECT seq FROM request WHERE directory = ?1 ORDER BY seq LIMIT ?2
    ) AS page
    ORDER BY seq DESC LIMIT 1
);

-- name: clear_webhook_dead
-- Take a portion of its dead letters away.
DELETE FROM webhook_dead WHERE directory = ?1 AND (webhook, first) IN (
    SELECT webhook, first FROM webhook_dead WHERE directory = ?1 ORDER BY webhook, first LIMIT ?2
);

-- name: clear_set_ack
-- Take a portion of its receipts away.
DELETE FROM set_ack WHERE directory = ?1 AND (webhook, seq) IN (
    SELECT webhook, seq FROM set_ack WHERE directory = ?1 ORDER BY webhook, seq LIMIT ?2
);

-- name: clear_projection
-- Take a portion of its projections away.
DELETE FROM projection
WHERE directory = ?1 AND id <= (
    SELECT id FROM (
        SELECT id FROM projection WHERE directory = ?1 ORDER BY id LIMIT ?2
    ) AS page
    ORDER BY id DESC LIMIT 1
);

-- name: clear_adoption
-- Take a portion of its accounts that wait to be adopted away.
DELETE FROM adoption
WHERE directory = ?1 AND name <= (
    SELECT name FROM (
        SELECT name FROM adoption WHERE directory = ?1 ORDER BY name LIMIT ?2
    ) AS page
    ORDER BY name DESC LIMIT 1
);

-- name: clear_pending_member
-- Take a portion of its pending members away.
DELETE FROM pending_member WHERE directory = ?1 AND (group_id, value) IN (
    SELECT group_id, value FROM pending_member WHERE directory = ?1 ORDER BY group_id, value LIMIT ?2
);

-- name: clear_member
-- Take a portion of its members away.
DELETE FROM member WHERE directory = ?1 AND (group_id, member_id) IN (
    SELECT group_id, member_id FROM member WHERE directory = ?1 ORDER BY group_id, member_id LIMIT ?2
);

-- name: clear_attribute_value
-- Take a portion of its values that are looked up away.
DELETE FROM attribute_value WHERE directory = ?1 AND (kind, attribute, value, id) IN (
    SELECT kind, attribute, value, id FROM attribute_value WHERE directory = ?1 ORDER BY kind, attribute, value, id LIMIT ?2
);

-- name: clear_unique_value
-- Take a portion of its unique values away.
DELETE FROM unique_value WHERE directory = ?1 AND (kind, attribute, value) IN (
    SELECT kind, attribute, value FROM unique_value WHERE directory = ?1 ORDER BY kind, attribute, value LIMIT ?2
);

-- name: clear_erasure
-- Take a portion of its erasures away.
DELETE FROM erasure WHERE directory = ?1 AND (kind, id) IN (
    SELECT kind, id FROM erasure WHERE directory = ?1 ORDER BY kind, id LIMIT ?2
);

-- name: clear_event
-- Take a portion of its events away.
DELETE FROM event
WHERE directory = ?1 AND seq <= (
    SELECT seq FROM (
        SELECT seq FROM event WHERE directory = ?1 ORDER BY seq LIMIT ?2
    ) AS page
    ORDER BY seq DESC LIMIT 1
);

-- name: clear_bucket
-- Take a portion of its rates away.
DELETE FROM bucket
WHERE directory = ?1 AND name <= (
    SELECT name FROM (
        SELECT name FROM bucket WHERE directory = ?1 ORDER BY name LIMIT ?2
    ) AS page
    ORDER BY name DESC LIMIT 1
);

-- name: clear_counter
-- Take a portion of its numbers away.
DELETE FROM counter
WHERE directory = ?1 AND name <= (
    SELECT name FROM (
        SELECT name FROM counter WHERE directory = ?1 ORDER BY name LIMIT ?2
    ) AS page
    ORDER BY name DESC LIMIT 1
);

-- name: removable_connection
-- The name of a directory's connection.
SELECT name FROM connection WHERE directory = ?1 AND id = ?2;

-- name: keep_removed
-- Whoever meets what a connection did, learns its name.
INSERT INTO removed_connection (directory, id, name, removed) VALUES (?1, ?2, ?3, ?4);

-- name: drop_setup_links
-- A connection's set-up links lead nowhere, and whoever came by one is logged out.
DELETE FROM setup_link WHERE directory = ?1 AND connection = ?2;

-- name: drop_tokens
-- A connection's tokens are not known any more.
DELETE FROM token WHERE directory = ?1 AND connection = ?2;

-- name: drop_client_secrets
-- Nor are the secrets of its clients.
DELETE FROM client_secret WHERE client IN (SELECT id FROM client WHERE directory = ?1 AND connection = ?2);

-- name: drop_clients
-- Nor are its clients.
DELETE FROM client WHERE directory = ?1 AND connection = ?2;

-- name: drop_connection
-- It is not there any more, and its name is free.
DELETE FROM connection WHERE directory = ?1 AND id = ?2;

-- name: hand_over_many
-- Make resources of a JSON list another connection's.
UPDATE resource SET connection = ?3
WHERE directory = ?1 AND connection = ?2 AND id IN (SELECT value FROM json_each(?4));
