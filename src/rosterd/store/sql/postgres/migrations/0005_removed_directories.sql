-- A directory may be deleted: since when it is, and since when nothing is left of it but its row, which keeps its
-- number from being given out again, and its audit entries.
-- since: 0001

ALTER TABLE directory ADD COLUMN removed BIGINT;
ALTER TABLE directory ADD COLUMN cleared BIGINT;
