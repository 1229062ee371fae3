-- What processes tell each other besides the data: what is left of rates, which forms were sent, where pages ended.
-- since: 0001
CREATE UNLOGGED TABLE bucket (
    directory BIGINT           NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    rate      BIGINT           NOT NULL,
    size      BIGINT           NOT NULL,
    level     BIGINT           NOT NULL,
    at        BIGINT           NOT NULL,
    PRIMARY KEY (directory, name)
);

CREATE TABLE form_mark (
    digest BYTEA  NOT NULL PRIMARY KEY,
    used   BIGINT NOT NULL
);

CREATE INDEX form_mark_used ON form_mark (used);

CREATE UNLOGGED TABLE bookmark (
    directory   BIGINT NOT NULL,
    connection  BIGINT NOT NULL,
    slot        BIGINT NOT NULL,
    walk        BYTEA  NOT NULL,
    start_index BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    key         BYTEA  NOT NULL,
    total       BIGINT NOT NULL,
    expires     BIGINT NOT NULL,
    PRIMARY KEY (directory, connection, slot)
);
