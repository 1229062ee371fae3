-- The index of parts of texts is made anew where the step that made it put more into it than is taken out again.
-- Parts of users who were erased stayed in it, and in a small installation nothing more could be put into it.
-- It is so if the first resource is older than that step.
-- since: 0016

UPDATE parts_data SET block = CAST(substr(block, 1, 4) || x'000000' AS BLOB)
WHERE id = 10 AND (SELECT created FROM resource ORDER BY rowid LIMIT 1)
    < (SELECT applied + 1000 FROM schema_version WHERE version = 16);

INSERT INTO parts (parts)
SELECT 'delete-all' WHERE (SELECT created FROM resource ORDER BY rowid LIMIT 1)
    < (SELECT applied + 1000 FROM schema_version WHERE version = 16);

UPDATE parts_due SET old = NULL
WHERE (SELECT created FROM resource ORDER BY rowid LIMIT 1)
    < (SELECT applied + 1000 FROM schema_version WHERE version = 16);

INSERT INTO parts_due (directory, seq, new)
SELECT directory, seq, parts_text(search) FROM resource
WHERE deleted IS NULL AND (SELECT created FROM resource ORDER BY rowid LIMIT 1)
    < (SELECT applied + 1000 FROM schema_version WHERE version = 16)
ON CONFLICT (directory, seq) DO UPDATE SET new = excluded.new;
