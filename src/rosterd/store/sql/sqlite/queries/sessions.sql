-- Sessions of the console: of administrators and of set-up links.

-- name: get_session
-- A session with whom it belongs to, by the digest of its value.
SELECT s.id, s.administrator, s.setup_link, s.created, s.seen, s.expires, s.address, s.agent,
    a.id, a.name, a.role, a.directory, a.password, a.issuer, a.subject, a.created, a.disabled, a.last_login,
    a.revision, a.second_factor,
    k.id, k.directory, k.connection, k.digest, k.label, k.created, k.expires, k.last_used, k.revoked
FROM session AS s
    LEFT JOIN administrator AS a ON a.id = s.administrator
    LEFT JOIN setup_link AS k ON k.id = s.setup_link
WHERE s.digest = ?1;

-- name: sessions_of
-- An administrator's sessions that have not ended at ?2, newest first; idle since ?3 is ended.
SELECT id, administrator, setup_link, created, seen, expires, address, agent
FROM session
WHERE administrator = ?1 AND expires > ?2 AND seen > ?3
ORDER BY created DESC, id;

-- name: insert_session
-- Keep a new session.
INSERT INTO session (digest, id, administrator, setup_link, created, seen, expires, address, agent)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: note_seen
-- Move the time a session was last seen forward.
UPDATE session SET seen = max(seen, ?2) WHERE id = ?1;

-- name: end_session
-- End a session by the digest of its value.
DELETE FROM session WHERE digest = ?1;

-- name: end_session_of
-- End a session of an administrator by its id.
DELETE FROM session WHERE administrator = ?1 AND id = ?2;

-- name: end_sessions_of
-- End all sessions of an administrator but one.
DELETE FROM session WHERE administrator = ?1 AND id <> ?2;

-- name: end_sessions_of_link
-- End all sessions of a set-up link.
DELETE FROM session WHERE setup_link = ?1;

-- name: end_surplus_sessions_of
-- End all but the newest ?2 sessions of an administrator.
DELETE FROM session WHERE id IN (
    SELECT id FROM session WHERE administrator = ?1 ORDER BY created DESC, id LIMIT -1 OFFSET ?2
);

-- name: end_surplus_sessions_of_link
-- End all but the newest ?2 sessions of a set-up link.
DELETE FROM session WHERE id IN (
    SELECT id FROM session WHERE setup_link = ?1 ORDER BY created DESC, id LIMIT -1 OFFSET ?2
);

-- name: has_ended_sessions
-- Whether any session ended by a time.
SELECT EXISTS (SELECT 1 FROM session WHERE expires <= ?1);

-- name: purge_sessions
-- Remove sessions that ended by a time.
DELETE FROM session WHERE expires <= ?1;
