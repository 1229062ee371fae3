-- The index of parts of texts is made anew where the step that made it put more into it than is taken out again.
-- Parts of users who were erased stayed in it, and in a small installation nothing more could be put into it.
-- It is so if the file is older than that step; whoever was in it then may have been erased since.
-- since: 0016

UPDATE parts_data SET block = CAST(substr(block, 1, 4) || x'000000' AS BLOB)
WHERE id = 10
    AND EXISTS (
        SELECT 1 FROM schema_version AS a, schema_version AS s
        WHERE a.version = 1 AND s.version = 16 AND a.applied < s.applied
    );

INSERT INTO parts (parts)
SELECT 'delete-all'
WHERE EXISTS (
    SELECT 1 FROM schema_version AS a, schema_version AS s
    WHERE a.version = 1 AND s.version = 16 AND a.applied < s.applied
);

UPDATE parts_due SET old = NULL
WHERE EXISTS (
    SELECT 1 FROM schema_version AS a, schema_version AS s
    WHERE a.version = 1 AND s.version = 16 AND a.applied < s.applied
);

INSERT INTO parts_due (directory, seq, new)
SELECT directory, seq, parts_text(search) FROM resource
WHERE deleted IS NULL
    AND EXISTS (
        SELECT 1 FROM schema_version AS a, schema_version AS s
        WHERE a.version = 1 AND s.version = 16 AND a.applied < s.applied
    )
ON CONFLICT (directory, seq) DO UPDATE SET new = excluded.new;
