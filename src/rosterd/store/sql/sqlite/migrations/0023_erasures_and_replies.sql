-- An erasure knows when its account went, so that what is told later stays.
-- A kept reply knows of which directory it tells, so that an erasure takes none of another one's away.
-- since: 0016

ALTER TABLE erasure ADD COLUMN seq INTEGER;
ALTER TABLE replay ADD COLUMN directory INTEGER;
