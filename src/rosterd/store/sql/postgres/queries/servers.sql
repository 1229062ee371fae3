-- What a connection asks a server, before anything is read or written.

-- name: apply_settings
-- Make settings of the session; a pooler takes few of them with the connection itself.
SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS s (name, value);

-- name: timeline
-- Which cluster this is, and how often another server has become its primary; of a primary only.
SELECT system_identifier, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint
FROM pg_control_system();

-- name: backend
-- The process that serves this connection; behind a pooler it is not the one that the connection was told.
SELECT pg_backend_pid();
