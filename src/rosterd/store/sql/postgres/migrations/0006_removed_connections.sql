-- A connection may be deleted: its number is not given out again, and its name stands in what it did.
-- since: 0001

CREATE TABLE removed_connection (
    directory BIGINT           NOT NULL REFERENCES directory (id),
    id        BIGINT           NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    removed   BIGINT           NOT NULL,
    PRIMARY KEY (directory, id)
);
