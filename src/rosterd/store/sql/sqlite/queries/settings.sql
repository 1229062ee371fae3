-- What administrators chose for the whole installation.

-- name: settings
-- Every setting that was chosen.
SELECT name, value FROM setting;

-- name: put_setting
-- Choose a setting.
INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: delete_setting
-- Leave a setting at its default.
DELETE FROM setting WHERE name = ?1;
