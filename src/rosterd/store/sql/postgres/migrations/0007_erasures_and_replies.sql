-- An erasure knows when its account went, so that what is told later stays.
-- A kept reply knows of which directory it tells, so that an erasure takes none of another one's away.
-- since: 0001

ALTER TABLE erasure ADD COLUMN seq BIGINT;
ALTER TABLE replay ADD COLUMN directory BIGINT;
