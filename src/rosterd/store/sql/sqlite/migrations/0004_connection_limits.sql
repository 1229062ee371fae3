-- Limits, the standing and the mass-change fuse of connections.
ALTER TABLE connection ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
ALTER TABLE connection ADD COLUMN state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'disabled'));
ALTER TABLE connection ADD COLUMN state_by TEXT NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN state_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN state_since INTEGER;

-- Accounts that a connection deactivated or deleted in its present window, and the most there were.
CREATE TABLE fuse_window (
    directory  INTEGER NOT NULL,
    connection INTEGER NOT NULL,
    began      INTEGER NOT NULL,
    lost       INTEGER NOT NULL,
    live       INTEGER NOT NULL,
    PRIMARY KEY (directory, connection),
    FOREIGN KEY (directory, connection) REFERENCES connection (directory, id)
) STRICT, WITHOUT ROWID;

-- How many live resources each connection owns, from now on counted by the triggers.
INSERT INTO counter (directory, name, value)
SELECT directory, 'owned:' || connection || ':' || kind, count(*) FROM resource
WHERE deleted IS NULL
GROUP BY directory, kind, connection;

DROP TRIGGER resource_inserted;
DROP TRIGGER resource_moved;
DROP TRIGGER resource_erased;

CREATE TRIGGER resource_inserted AFTER INSERT ON resource WHEN NEW.deleted IS NULL
BEGIN
    INSERT INTO counter (directory, name, value)
    VALUES (NEW.directory, 'live:' || NEW.kind, 1),
        (NEW.directory, 'owned:' || NEW.connection || ':' || NEW.kind, 1)
    ON CONFLICT (directory, name) DO UPDATE SET value = value + 1;
END;

CREATE TRIGGER resource_retained AFTER UPDATE OF deleted ON resource
WHEN OLD.deleted IS NULL AND NEW.deleted IS NOT NULL
BEGIN
    UPDATE counter SET value = value - 1
    WHERE directory = OLD.directory
        AND name IN ('live:' || OLD.kind, 'owned:' || OLD.connection || ':' || OLD.kind);
END;

CREATE TRIGGER resource_revived AFTER UPDATE OF deleted ON resource
WHEN OLD.deleted IS NOT NULL AND NEW.deleted IS NULL
BEGIN
    INSERT INTO counter (directory, name, value)
    VALUES (NEW.directory, 'live:' || NEW.kind, 1),
        (NEW.directory, 'owned:' || NEW.connection || ':' || NEW.kind, 1)
    ON CONFLICT (directory, name) DO UPDATE SET value = value + 1;
END;

CREATE TRIGGER resource_adopted AFTER UPDATE OF connection ON resource
WHEN OLD.connection <> NEW.connection AND OLD.deleted IS NULL AND NEW.deleted IS NULL
BEGIN
    UPDATE counter SET value = value - 1
    WHERE directory = OLD.directory AND name = 'owned:' || OLD.connection || ':' || OLD.kind;
    INSERT INTO counter (directory, name, value)
    VALUES (NEW.directory, 'owned:' || NEW.connection || ':' || NEW.kind, 1)
    ON CONFLICT (directory, name) DO UPDATE SET value = value + 1;
END;

CREATE TRIGGER resource_erased AFTER DELETE ON resource WHEN OLD.deleted IS NULL
BEGIN
    UPDATE counter SET value = value - 1
    WHERE directory = OLD.directory
        AND name IN ('live:' || OLD.kind, 'owned:' || OLD.connection || ':' || OLD.kind);
END;
