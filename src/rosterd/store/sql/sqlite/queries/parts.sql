-- The index of parts of texts, which is written behind the changes.

-- name: owe_parts
-- Note that a resource's texts are others now; what the index has of it stays as it was first noted.
INSERT INTO parts_due (directory, seq, old, new) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (directory, seq) DO UPDATE SET new = excluded.new;

-- name: parts_portion
-- Where a portion of what is due ends: so many resources, and no further one after so many characters.
SELECT directory, seq FROM (
    SELECT directory, seq, size, sum(size) OVER (ORDER BY directory, seq) AS together FROM (
        SELECT directory, seq, coalesce(length(old), 0) + coalesce(length(new), 0) AS size
        FROM parts_due ORDER BY directory, seq LIMIT ?1
    ) AS portion
) AS summed
WHERE together - size < ?2
ORDER BY directory DESC, seq DESC LIMIT 1;

-- name: drop_parts
-- Take the former texts of a portion out of the index.
INSERT INTO parts (parts, rowid, text)
SELECT 'delete', directory * 1099511627776 + seq, old FROM parts_due
WHERE (directory, seq) <= (?1, ?2) AND old IS NOT NULL;

-- name: put_parts
-- Put the new texts of a portion into the index.
INSERT INTO parts (rowid, text)
SELECT directory * 1099511627776 + seq, new FROM parts_due
WHERE (directory, seq) <= (?1, ?2) AND new IS NOT NULL;

-- name: pay_parts
-- Forget a portion that the index has now.
DELETE FROM parts_due WHERE (directory, seq) <= (?1, ?2);

-- name: merge_parts
-- Write some pages of the index anew.
INSERT INTO parts (parts, rank) VALUES ('merge', ?1);

-- name: parts_structure
-- How the index is built.
SELECT block FROM parts_data WHERE id = 10;

-- name: flatten_parts
-- Take the index for one without levels: if it is too deep, SQLite does not even open it to empty it.
UPDATE parts_data SET block = ?1 WHERE id = 10;

-- name: clear_parts
-- Empty the index.
INSERT INTO parts (parts) VALUES ('delete-all');

-- name: live_searches
-- The folded documents of all that lives in a directory.
SELECT seq, search FROM resource WHERE directory = ?1 AND deleted IS NULL;

-- name: every_directory
-- The numbers of all directories, also of those that were deleted.
SELECT id FROM directory;
