-- A directory may be deleted.
-- `removed`: since when it is; `cleared`: since when nothing is left of it but its audit entries and its row, which
-- keeps its number from being given out again.
-- since: 0001

ALTER TABLE directory ADD COLUMN removed BIGINT;
ALTER TABLE directory ADD COLUMN cleared BIGINT;
