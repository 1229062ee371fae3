-- Users who wait for their identity provider.

-- name: put_adopted
-- Note that a user waits under a name.
INSERT INTO adoption (directory, name, id) VALUES (?1, ?2, ?3)
ON CONFLICT (directory, name) DO UPDATE SET id = excluded.id;

-- name: get_adopted
-- Who waits under a name.
SELECT id FROM adoption WHERE directory = ?1 AND name = ?2;

-- name: delete_adopted
-- Nobody waits under a name any more.
DELETE FROM adoption WHERE directory = ?1 AND name = ?2;
