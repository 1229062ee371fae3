-- Copies of users, in PostgreSQL.

-- name: copied
-- Whose copies are made.
CREATE TEMP TABLE copied (id TEXT PRIMARY KEY);

-- name: add_copied
-- One of them.
INSERT INTO copied (id) VALUES ($1);

-- name: last
-- The newest number of the directory.
SELECT value FROM counter WHERE directory = $1 AND name = 'seq';

-- name: raise_last
-- The same, after the copies, and the numbers of users.
UPDATE counter SET value = CASE name WHEN 'seq' THEN $2 ELSE value + $3 END
WHERE directory = $1 AND (name = 'seq' OR name = 'live:User' OR name LIKE 'owned:%:User');

-- name: copy_resources
-- Copy number $2 of each, $3 further in the directory's order.
INSERT INTO resource (
    directory, id, kind, connection, external_id, seq, version, created, modified, document, search, display
)
SELECT
    directory, id || '-' || $2::text, kind, connection, external_id || 'c' || $2::text, seq + $3, 1, created, modified,
    convert_to(replace(convert_from(document, 'UTF8'), '@', 'c' || $2::text || 'x' || substr(md5(id || '-' || $2::text), 1, 12) || '@'), 'UTF8'),
    replace(search::text, '@', 'c' || $2::text || 'x' || substr(md5(id || '-' || $2::text), 1, 12) || '@')::jsonb, display
FROM resource
WHERE directory = $1 AND id IN (SELECT id FROM copied);

-- name: copied_values
-- What is indexed of those whose copies are made.
CREATE TEMP TABLE copied_value AS
SELECT directory, kind, attribute, value, id FROM attribute_value WHERE id IN (SELECT id FROM copied);

-- name: copied_uniques
-- The unique values of those whose copies are made.
CREATE TEMP TABLE copied_unique AS
SELECT directory, kind, attribute, value, id FROM unique_value WHERE id IN (SELECT id FROM copied);

-- name: copy_unique
-- Their unique values.
INSERT INTO unique_value (directory, kind, attribute, value, id)
SELECT directory, kind, attribute, replace(value, '@', 'c' || $2::text || 'x' || substr(md5(id || '-' || $2::text), 1, 12) || '@'), id || '-' || $2::text
FROM copied_unique
WHERE directory = $1;

-- name: copy_values
-- Their indexed values.
INSERT INTO attribute_value (directory, kind, attribute, value, id)
SELECT directory, kind, attribute, replace(value, '@', 'c' || $2::text || 'x' || substr(md5(id || '-' || $2::text), 1, 12) || '@'), id || '-' || $2::text
FROM copied_value
WHERE directory = $1;

-- name: drop_parts
-- The index of parts of texts, which is quicker made anew.
DROP INDEX IF EXISTS resource_parts;

-- name: tidy
-- Let the planner know.
VACUUM ANALYZE;

-- name: join_group
-- Make the first $3 users the members of a group.
INSERT INTO member (directory, group_id, member_id)
SELECT directory, $2, id FROM resource WHERE directory = $1 AND kind = 'User' ORDER BY id LIMIT $3;
