-- Copies of users, in SQLite. ?1 is the directory.

-- name: copied
-- Whose copies are made.
CREATE TEMP TABLE copied (id TEXT PRIMARY KEY);

-- name: add_copied
-- One of them.
INSERT INTO copied (id) VALUES (?1);

-- name: last
-- The newest number of the directory.
SELECT value FROM counter WHERE directory = ?1 AND name = 'seq';

-- name: raise_last
-- The same, after the copies.
UPDATE counter SET value = ?2 WHERE directory = ?1 AND name = 'seq';

-- name: copy_resources
-- Copy number ?2 of each, ?3 further in the directory's order.
INSERT INTO resource (
    directory, id, kind, connection, external_id, seq, version, created, modified, document, search, display
)
SELECT
    directory, id || '-' || ?2, kind, connection, external_id || 'c' || ?2, seq + ?3, 1, created, modified,
    CAST(replace(CAST(document AS TEXT), '@', 'c' || ?2 || 'x' || substr(md5(id || '-' || ?2), 1, 12) || '@') AS BLOB),
    replace(search, '@', 'c' || ?2 || 'x' || substr(md5(id || '-' || ?2), 1, 12) || '@'), display
FROM resource
WHERE directory = ?1 AND id IN (SELECT id FROM copied);

-- name: copied_uniques
-- The unique values of those whose copies are made.
CREATE TEMP TABLE copied_unique AS
SELECT directory, kind, attribute, value, id FROM unique_value WHERE id IN (SELECT id FROM copied);

-- name: copy_unique
-- Their unique values.
INSERT INTO unique_value (directory, kind, attribute, value, id)
SELECT directory, kind, attribute, replace(value, '@', 'c' || ?2 || 'x' || substr(md5(id || '-' || ?2), 1, 12) || '@'), id || '-' || ?2
FROM copied_unique
WHERE directory = ?1;

-- name: copy_values
-- Their indexed values.
INSERT INTO attribute_value (directory, kind, attribute, value, id)
SELECT directory, kind, attribute, replace(value, '@', 'c' || ?2 || 'x' || substr(md5(id || '-' || ?2), 1, 12) || '@'), id || '-' || ?2
FROM copied_value
WHERE directory = ?1;

-- name: copied_values
-- What is indexed of those whose copies are made.
CREATE TEMP TABLE copied_value AS
SELECT directory, kind, attribute, value, id FROM attribute_value WHERE id IN (SELECT id FROM copied);

-- name: owe_parts
-- Their texts are to be indexed.
INSERT INTO parts_due (directory, seq, old, new)
SELECT directory, seq, NULL, parts_text(search)
FROM resource
WHERE directory = ?1 AND id IN (SELECT id || '-' || ?2 FROM copied);

-- name: join_group
-- Make the first ?3 users the members of a group.
INSERT INTO member (directory, group_id, member_id)
SELECT directory, ?2, id FROM resource WHERE directory = ?1 AND kind = 'User' ORDER BY id LIMIT ?3;
