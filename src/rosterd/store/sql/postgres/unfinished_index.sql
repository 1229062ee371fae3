-- The statement that drops an index of this schema which was begun and broken off; no row if there is none.

SELECT format('DROP INDEX CONCURRENTLY %s', indexrelid::regclass)
FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid;
