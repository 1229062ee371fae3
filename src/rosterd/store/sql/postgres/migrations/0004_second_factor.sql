-- Administrators may have a second factor beside their password: JSON, as store/rows.py has it. Between the
-- two they have a ticket that the password was right.
-- since: 0001

ALTER TABLE administrator ADD COLUMN second_factor TEXT COLLATE "C";

CREATE TABLE login_ticket (
    digest        BYTEA            NOT NULL PRIMARY KEY,
    administrator TEXT COLLATE "C" NOT NULL REFERENCES administrator (id) ON DELETE CASCADE,
    revision      BIGINT           NOT NULL,
    expires       BIGINT           NOT NULL
);

CREATE INDEX login_ticket_of ON login_ticket (administrator);
CREATE INDEX login_ticket_expires ON login_ticket (expires);
