-- Who else can work with the database is written in it, so that releases can run beside each other.
-- since: 0016

ALTER TABLE schema_version ADD COLUMN since INTEGER NOT NULL DEFAULT 16;
