-- Whether an index of this schema is whole; no row if there is none of this name.

SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1);
