-- Where pages of walks ended, in a file of its own that lives as long as the workers that share it.

-- A connection has so many places (`slot`), and the newest bookmark takes its place from whoever has it. `key` is the
-- JSON of the folded sort value.
CREATE TABLE IF NOT EXISTS bookmark (
    directory   INTEGER NOT NULL,
    connection  INTEGER NOT NULL,
    slot        INTEGER NOT NULL,
    walk        BLOB    NOT NULL,
    start_index INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    key         BLOB    NOT NULL,
    total       INTEGER NOT NULL,
    expires     INTEGER NOT NULL,
    PRIMARY KEY (directory, connection, slot)
) STRICT, WITHOUT ROWID;
