-- Mappings and what they made of users.

-- name: get_mapping
-- A directory's mapping and its progress.
SELECT rules, revision, place, walk FROM mapping WHERE directory = ?1;

-- name: put_mapping
-- Replace a directory's mapping and its progress.
INSERT INTO mapping (directory, rules, revision, place, walk) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (directory) DO UPDATE SET
    rules = excluded.rules, revision = excluded.revision, place = excluded.place, walk = excluded.walk;

-- name: projections
-- What was made of each user of a JSON list.
SELECT id, value FROM projection
WHERE directory = ?1 AND id IN (SELECT value FROM json_each(?2));

-- name: put_projection
-- Keep what was made of a user.
INSERT INTO projection (directory, id, value) VALUES (?1, ?2, ?3)
ON CONFLICT (directory, id) DO UPDATE SET value = excluded.value;

-- name: delete_projection
-- Forget what was made of a user.
DELETE FROM projection WHERE directory = ?1 AND id = ?2;

-- name: lagging_mappings
-- Directories whose mapping is not carried out up to the newest event.
SELECT m.directory FROM mapping AS m
LEFT JOIN counter AS c ON c.directory = m.directory AND c.name = 'seq'
WHERE m.walk IS NOT NULL OR c.value > m.place
LIMIT ?1;
