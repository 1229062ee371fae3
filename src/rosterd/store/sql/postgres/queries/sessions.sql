-- Sessions and set-up links, as PostgreSQL says it.

-- name: note_seen
-- Move the time a session was last seen forward.
UPDATE session SET seen = greatest(seen, $2) WHERE id = $1;

-- name: end_surplus_sessions_of
-- End all but the newest $2 sessions of an administrator.
DELETE FROM session WHERE id IN (
    SELECT id FROM session WHERE administrator = $1 ORDER BY created DESC, id OFFSET $2
);

-- name: end_surplus_sessions_of_link
-- End all but the newest $2 sessions of a set-up link.
DELETE FROM session WHERE id IN (
    SELECT id FROM session WHERE setup_link = $1 ORDER BY created DESC, id OFFSET $2
);

-- name: note_link_use
-- Move the last use of a set-up link forward.
UPDATE setup_link SET last_used = greatest(last_used, $2) WHERE id = $1;
