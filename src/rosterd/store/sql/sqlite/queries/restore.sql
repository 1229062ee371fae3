-- What a backup holds, and what is done to one before it is used again.

-- name: contents
-- How many directories, accounts, groups, memberships, events and tokens there are.
SELECT
    (SELECT count(*) FROM directory),
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
