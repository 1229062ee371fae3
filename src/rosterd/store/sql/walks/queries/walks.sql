-- Bookmarks of walks, in the file that workers share.

-- name: find_bookmark
-- Where the page ended that comes before one of a walk.
SELECT seq, key, total, expires FROM bookmark
WHERE directory = ?1 AND connection = ?2 AND slot = ?3 AND walk = ?4 AND start_index = ?5 AND expires > ?6;

-- name: keep_bookmark
-- Remember where a page ended, in the place of what has it.
INSERT OR REPLACE INTO bookmark (directory, connection, slot, walk, start_index, seq, key, total, expires)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: forget_bookmarks
-- Forget bookmarks that have expired, so many at most.
DELETE FROM bookmark WHERE (directory, connection, slot) IN (
    SELECT directory, connection, slot FROM bookmark WHERE expires <= ?1 LIMIT ?2
);
