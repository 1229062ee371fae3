-- Administrators may have a second factor beside their password: JSON, as store/rows.py has it. Between the
-- two they have a ticket that the password was right.
-- since: 0016

ALTER TABLE administrator ADD COLUMN second_factor TEXT;

CREATE TABLE login_ticket (
    digest        BLOB    NOT NULL PRIMARY KEY,
    administrator TEXT    NOT NULL REFERENCES administrator (id) ON DELETE CASCADE,
    revision      INTEGER NOT NULL,
    expires       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX login_ticket_of ON login_ticket (administrator);
CREATE INDEX login_ticket_expires ON login_ticket (expires);
