-- The statement that makes the index of parts of texts, with $1 behind its first word.
-- There is no row if the index is there or cannot be made.

SELECT format(
    'CREATE INDEX %s resource_parts ON resource'
    ' USING gin (directory, searched_text(search) %I.gin_trgm_ops) WHERE deleted IS NULL',
    $1::text, n.nspname
)
FROM pg_extension AS x JOIN pg_namespace AS n ON n.oid = x.extnamespace
WHERE x.extname = 'pg_trgm' AND to_regproc('searched_text') IS NOT NULL AND to_regclass('resource_parts') IS NULL;
