-- The index of parts of texts is made anew where the step that made it put more into it than is taken out again.
-- Parts of users who were erased stayed in it, and in a small installation nothing more could be put into it.
-- It is so if there are resources that are older than that step.
-- since: 0016

UPDATE parts_data SET block = CAST(substr(block, 1, 4) || x'000000' AS BLOB)
WHERE id = 10
    AND EXISTS (SELECT 1 FROM resource AS r, schema_version AS s WHERE s.version = 16 AND r.created < s.applied + 1000);

INSERT INTO parts (parts)
SELECT 'delete-all'
WHERE EXISTS (SELECT 1 FROM resource AS r, schema_version AS s WHERE s.version = 16 AND r.created < s.applied + 1000);

UPDATE parts_due SET old = NULL
WHERE EXISTS (SELECT 1 FROM resource AS r, schema_version AS s WHERE s.version = 16 AND r.created < s.applied + 1000);

INSERT INTO parts_due (directory, seq, new)
SELECT directory, seq, parts_text(search) FROM resource
WHERE deleted IS NULL AND parts_text(search) IS NOT NULL
    AND EXISTS (SELECT 1 FROM resource AS r, schema_version AS s WHERE s.version = 16 AND r.created < s.applied + 1000)
ON CONFLICT (directory, seq) DO UPDATE SET new = excluded.new;
