-- Erasure for good: what is owed of it, and retained resources by the time of their deletion.
CREATE INDEX resource_deleted ON resource (directory, kind, deleted) WHERE deleted IS NOT NULL;

-- Resources that are gone, and whose traces in events and the request log are still to be removed.
CREATE TABLE erasure (
    directory  INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    connection INTEGER NOT NULL,
    request_id TEXT    NOT NULL,
    names      TEXT    NOT NULL,
    PRIMARY KEY (directory, kind, id)
) STRICT, WITHOUT ROWID;
