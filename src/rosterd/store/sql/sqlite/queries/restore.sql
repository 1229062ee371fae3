-- What a backup holds, and what is done to one before it is used again.

-- name: contents
-- How many directories, accounts, groups, memberships, events and tokens there are.
SELECT
    (SELECT count(*) FROM directory WHERE removed IS NULL),
    (SELECT count(*) FROM resource WHERE directory IS NOT NULL AND kind = 'User'),
    (SELECT count(*) FROM resource WHERE directory IS NOT NULL AND kind = 'Group'),
    (SELECT count(*) FROM member WHERE directory IS NOT NULL),
    (SELECT count(*) FROM event WHERE directory IS NOT NULL),
    (SELECT count(*) FROM token);

-- name: begin_anew
-- The directory's order goes on from a number that was never given out, and the hole before it is noted.
INSERT INTO counter (directory, name, value)
VALUES (?1, 'restored:' || ?2, ?3), (?1, 'seq', ?3)
ON CONFLICT (directory, name) DO UPDATE SET value = excluded.value;

-- name: undone
-- Whether a number is in a hole that a restore left: told once, and undone.
SELECT EXISTS (
    SELECT 1 FROM counter
    WHERE directory = ?1 AND name GLOB 'restored:*' AND CAST(substr(name, 10) AS INTEGER) < ?2 AND value > ?2
);

-- name: end_all_sessions
-- Everybody logs in again.
DELETE FROM session;

-- name: next_event
-- The first event behind a number.
SELECT min(seq) FROM event WHERE directory = ?1 AND seq > ?2;

-- name: previous_event
-- The last event below a number.
SELECT max(seq) FROM event WHERE directory = ?1 AND seq < ?2;

-- name: last_number
-- The last number that was given out for a table; of connections also those that were deleted.
SELECT max(seq) FROM (
    SELECT seq FROM sqlite_sequence WHERE name = ?1
    UNION ALL
    SELECT id FROM removed_connection WHERE ?1 = 'connection'
);

-- name: gives_numbers
-- Whether the engine remembers what it gave out for a table.
SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1 AND sql LIKE '%AUTOINCREMENT%';

-- name: raise_number
-- Give out numbers for a table behind this one, if one was given out.
UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1;

-- name: begin_number
-- Give out the first number for a table behind this one.
INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2);

-- name: newest_step
-- The newest migration that the database has.
SELECT max(version) FROM schema_version;

-- name: is_unfinished
-- Whether a copy into it was begun and has not finished.
SELECT EXISTS (SELECT 1 FROM schema_version WHERE version = 0);

-- name: mark_unfinished
-- Note that a copy into it was begun.
INSERT INTO schema_version (version, name, checksum, applied) VALUES (0, 'unfinished', '', unixepoch() * 1000);
