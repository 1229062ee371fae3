-- Who else can work with the database is written in it, so that releases can run beside each other.
-- since: 0001

ALTER TABLE schema_version ADD COLUMN since BIGINT NOT NULL DEFAULT 1;
