-- Copies and restores: who uses the database, what is filled, and the hole that a restore leaves.

-- name: share_use
-- Say that one uses the data, until the connection ends; false while somebody has it for themselves.
SELECT pg_try_advisory_lock_shared(hashtextextended('rosterd in use ' || current_schema(), 0));

-- name: claim
-- Have the data for oneself until the connection ends; false while anybody uses it.
SELECT pg_try_advisory_lock(hashtextextended('rosterd in use ' || current_schema(), 0));

-- name: whereabouts
-- What tells one database's schema from every other.
SELECT pg_postmaster_start_time(), current_database(), current_schema();

-- name: holds_tables
-- Whether the tables are made; more than the one of the migrations.
SELECT to_regclass('schema_version') IS NOT NULL, to_regclass('directory') IS NOT NULL;

-- name: holds_elsewhere
-- Whether tables are found in another schema than the one in which new ones are made.
SELECT EXISTS (
    SELECT 1 FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE pg_class.oid IN (to_regclass('schema_version'), to_regclass('directory')) AND nspname <> current_schema()
);

-- name: holds_data
-- Whether anything was ever put into it.
SELECT EXISTS (SELECT 1 FROM directory) OR EXISTS (SELECT 1 FROM audit);

-- name: newest_noted
-- The newest migration that is noted; it fails where another program notes its own.
SELECT max(version), count(name), count(checksum), count(applied) FROM schema_version;

-- name: mark_unfinished
-- Note that a copy into it was begun.
INSERT INTO schema_version (version, name, checksum, applied)
VALUES (0, 'unfinished', '', (extract(epoch FROM now()) * 1000)::bigint)
ON CONFLICT (version) DO NOTHING;

-- name: mark_finished
-- Note that it is whole.
DELETE FROM schema_version WHERE version = 0;

-- name: leaning
-- The tables of others whose foreign keys refer to some tables; none if there are none.
SELECT string_agg(DISTINCT other.oid::regclass::text, ', ') FROM pg_constraint
JOIN pg_class AS ours ON ours.oid = confrelid
JOIN pg_class AS other ON other.oid = conrelid
WHERE contype = 'f' AND ours.relnamespace = current_schema()::regnamespace AND ours.relname = ANY($1::text[])
AND NOT (other.relnamespace = ours.relnamespace AND other.relname = ANY($1));

-- name: moving
-- The statements that move some tables into a new schema, and the function that their index of parts of texts calls.
SELECT format('CREATE SCHEMA %I', $1::text)
UNION ALL
SELECT format('ALTER TABLE %I SET SCHEMA %I', relname, $1) FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = current_schema() AND relkind IN ('r', 'p') AND relname = ANY($2::text[])
UNION ALL
SELECT format('ALTER FUNCTION %s SET SCHEMA %I', pg_proc.oid::regprocedure, $1) FROM pg_proc
JOIN pg_namespace ON pg_namespace.oid = pronamespace
WHERE nspname = current_schema() AND proname = 'searched_text';

-- name: emptying
-- The statement that empties some tables.
SELECT format('TRUNCATE %s', string_agg(format('%I', name), ', ')) FROM unnest($1::text[]) AS t (name);

-- name: drop_parts_index
-- Drop the index of parts of texts, which is made quicker than kept up.
DROP INDEX IF EXISTS resource_parts;

-- name: last_number
-- The last number that was given out for a column of a table.
SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass), 0);

-- name: go_on
-- Give out numbers for a column of a table behind this one.
SELECT setval(pg_get_serial_sequence($1, $2), $3) WHERE $3 > 0;

-- name: begin_anew
-- The directory's order goes on from a number that was never given out, and the hole before it is noted.
INSERT INTO counter (directory, name, value)
VALUES ($1, 'restored:' || $2::bigint, $3), ($1, 'seq', $3)
ON CONFLICT (directory, name) DO UPDATE SET value = excluded.value;
