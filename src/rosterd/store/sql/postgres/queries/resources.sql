-- Resources with their unique and indexed values. A statement does all that belongs to one change.
-- No look-up by key depends on what the planner believes of a table, which it may know from a time when that had no
-- rows or five, so that one directory is to it a row or a few, and any index that begins with it as good as the key:
--
-- OFFSET 0                a look-up is a subquery that OFFSET keeps apart; other conditions than the key are asked of
--                         what was found, so that no index is chosen for them
-- directory IN ($1, $1)   is believed to be twice as many rows, which the key with the id makes one again; so another
--                         index that begins with the directory costs more. It is carried out as if $1 stood once
-- external_id IS NOT NULL OR …
--                         what the partial index resource_external implies costs nothing there. For any other index
--                         the planner counts the costly part, which nobody ever computes
-- LIMIT cardinality($n)   a list is believed to be short, and to be what the look-ups begin with
-- ctid                    a row that was found is deleted by its place, in tables whose rows never change

-- name: counter
-- A number that is kept.
SELECT value FROM counter WHERE directory = $1 AND name = $2;

-- name: lock_directory
-- Wait until nobody else writes to the directory; its newest number.
SELECT value FROM counter WHERE directory = $1 AND name = 'seq' FOR UPDATE;

-- name: begin_directory
-- Make the row by which a directory is locked, unless the directory was deleted.
INSERT INTO counter (directory, name, value)
SELECT $1, 'seq', 0
WHERE NOT EXISTS (SELECT 1 FROM directory WHERE id = $1 AND removed IS NOT NULL)
ON CONFLICT DO NOTHING;

-- name: finish
-- Write the events of a transaction, and add to the numbers that are kept.
WITH told AS (
    INSERT INTO event (directory, seq, type, kind, resource, at, connection, request_id, data)
    SELECT $1, t.seq, t.type, t.kind, t.resource, t.at, t.connection, t.request_id, t.data
    FROM unnest(
        $2::text::bigint[], $3::text::text[], $4::text::text[], $5::text::text[],
        $6::text::bigint[], $7::text::bigint[], $8::text::text[], $9::text[]
    ) AS t (seq, type, kind, resource, at, connection, request_id, data)
)
INSERT INTO counter (directory, name, value)
SELECT $1, c.name, c.value FROM unnest($10::text[], $11::bigint[]) AS c (name, value)
ON CONFLICT (directory, name) DO UPDATE SET value = counter.value + excluded.value;

-- name: insert_resource
-- Add a live resource with its values, unless its id or a unique value is taken: whether, and which.
WITH clash AS (
    SELECT u.attribute, u.value
    FROM unnest($13::text[], $14::text[]) WITH ORDINALITY AS u (attribute, value, place)
    CROSS JOIN LATERAL (
        SELECT 1 FROM unique_value AS v
        WHERE v.directory = $1 AND v.kind = $3 AND v.attribute = u.attribute AND v.value = u.value
        OFFSET 0
    ) AS v
    ORDER BY u.place
    LIMIT 1
),

made AS (
    INSERT INTO resource (
        directory, id, kind, connection, external_id, seq, version, created, modified, document, search, display
    )
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12
    WHERE NOT EXISTS (SELECT 1 FROM clash)
    ON CONFLICT (directory, id) DO NOTHING
    RETURNING id
),

taken AS (
    INSERT INTO unique_value (directory, kind, attribute, value, id)
    SELECT $1, $3, u.attribute, u.value, made.id
    FROM made CROSS JOIN unnest($13::text[], $14::text[]) AS u (attribute, value)
),

noted AS (
    INSERT INTO attribute_value (directory, kind, attribute, value, id)
    SELECT $1, $3, i.attribute, i.value, made.id
    FROM made CROSS JOIN unnest($15::text[], $16::text[]) AS i (attribute, value)
    ON CONFLICT DO NOTHING
)

SELECT EXISTS (SELECT 1 FROM made), (SELECT attribute FROM clash), (SELECT value FROM clash);

-- name: get_resource
-- A live resource of a kind, by id.
SELECT id, kind, connection, external_id, seq, version, created, modified, deleted, document
FROM (SELECT * FROM resource WHERE directory IN ($1, $1) AND id = $2 OFFSET 0) AS r
WHERE kind = $3 AND deleted IS NULL;

-- name: find_deleted
-- A retained resource of a kind, by id.
SELECT id, kind, connection, external_id, seq, version, created, modified, deleted, document
FROM (SELECT * FROM resource WHERE directory IN ($1, $1) AND id = $2 OFFSET 0) AS r
WHERE kind = $3 AND deleted IS NOT NULL;

-- name: retained
-- What a connection may revive under an externalId, newest deletion first.
SELECT id, kind, connection, external_id, seq, version, created, modified, deleted, document
FROM (
    SELECT * FROM resource
    WHERE directory = $1 AND kind = $2 AND connection = $3 AND external_id = $4
        AND (external_id IS NOT NULL OR to_tsvector('simple', id) @@ to_tsquery('simple', id))
    OFFSET 0
) AS r
WHERE deleted IS NOT NULL
ORDER BY deleted DESC, seq DESC;

-- name: touch_resource
-- Move a live resource's version by one.
UPDATE resource AS r SET version = r.version + 1, modified = $4
FROM (SELECT kind, deleted FROM resource WHERE directory IN ($1, $1) AND id = $2 OFFSET 0) AS old
WHERE r.directory IN ($1, $1) AND r.id = $2 AND old.kind = $3 AND old.deleted IS NULL
RETURNING r.version;

-- name: touch_resources
-- The same for those of a list.
UPDATE resource AS r SET version = r.version + 1, modified = $4
FROM (
    SELECT o.place FROM unnest($2::text::text[]) AS n (id)
    CROSS JOIN LATERAL (
        SELECT ctid AS place, kind, deleted FROM resource WHERE directory IN ($1, $1) AND id = n.id OFFSET 0
    ) AS o
    WHERE o.kind = $3 AND o.deleted IS NULL
) AS old
WHERE r.ctid = old.place
RETURNING r.id, r.version;

-- name: foresee
-- What is there of that which units are going to look for: which list, and the place in it.
SELECT 'adopted', n.place
FROM unnest($2::text::text[]) WITH ORDINALITY AS n (name, place)
CROSS JOIN LATERAL (SELECT 1 FROM adoption AS a WHERE a.directory = $1 AND a.name = n.name OFFSET 0) AS found
UNION ALL
SELECT 'retained', n.place
FROM unnest($3::text::text[], $4::text::bigint[], $5::text::text[])
    WITH ORDINALITY AS n (kind, connection, external_id, place)
CROSS JOIN LATERAL (
    SELECT r.deleted FROM resource AS r
    WHERE r.directory = $1 AND r.kind = n.kind AND r.external_id = n.external_id AND r.connection = n.connection
        AND (r.external_id IS NOT NULL OR to_tsvector('simple', r.id) @@ to_tsquery('simple', r.id))
    OFFSET 0
) AS found
WHERE found.deleted IS NOT NULL
UNION ALL
SELECT 'awaited', n.place
FROM unnest($6::text::text[]) WITH ORDINALITY AS n (value, place)
CROSS JOIN LATERAL (
    SELECT 1 FROM pending_member AS p WHERE p.directory = $1 AND p.value = n.value OFFSET 0
) AS found
UNION ALL
SELECT 'unique', n.place
FROM unnest($7::text::text[], $8::text::text[], $9::text::text[])
    WITH ORDINALITY AS n (kind, attribute, value, place)
CROSS JOIN LATERAL (
    SELECT 1 FROM unique_value AS v
    WHERE v.directory = $1 AND v.kind = n.kind AND v.attribute = n.attribute AND v.value = n.value
    OFFSET 0
) AS found;

-- name: get_resources
-- The live resources with some ids.
SELECT r.id, r.kind, r.connection, r.external_id, r.seq, r.version, r.created, r.modified, r.deleted, r.document
FROM unnest($2::text::text[]) AS n (id)
CROSS JOIN LATERAL (SELECT * FROM resource AS r WHERE r.directory IN ($1, $1) AND r.id = n.id OFFSET 0) AS r
WHERE r.deleted IS NULL;

-- name: insert_resources
-- Add live resources whose values are known to be free. It fails if something is there all the same, as an id.
-- Each value has the place of its resource in the lists before.
WITH made AS (
    INSERT INTO resource (
        directory, id, kind, connection, external_id, seq, version, created, modified, document, search, display
    )
    SELECT
        $1, n.id, n.kind, n.connection, n.external_id, n.seq, n.version, n.created, n.modified, n.document,
        n.search::jsonb, n.display
    FROM unnest(
        $2::text[], $3::text[], $4::text::bigint[], $5::text::text[], $6::text::bigint[], $7::text::bigint[],
        $8::text::bigint[], $9::text::bigint[], $10::bytea[], $11::text[], $12::text::text[]
    ) AS n (
        id, kind, connection, external_id, seq, version, created, modified, document, search, display
    )
),

taken AS (
    INSERT INTO unique_value (directory, kind, attribute, value, id)
    SELECT $1, ($3::text[])[u.place], u.attribute, u.value, ($2::text[])[u.place]
    FROM unnest($13::text::integer[], $14::text::text[], $15::text::text[]) AS u (place, attribute, value)
)

INSERT INTO attribute_value (directory, kind, attribute, value, id)
SELECT $1, ($3::text[])[i.place], i.attribute, i.value, ($2::text[])[i.place]
FROM unnest($16::text::integer[], $17::text::text[], $18::text::text[]) AS i (place, attribute, value);

-- name: update_resources
-- Replace what a change may change of resources known to live, but for whose they are and their unique values.
-- Each value has the place of its resource in the lists before.
WITH noted AS (
    INSERT INTO attribute_value (directory, kind, attribute, value, id)
    SELECT $1, ($9::text[])[i.place], i.attribute, i.value, ($2::text[])[i.place]
    FROM unnest($10::text::integer[], $11::text::text[], $12::text::text[]) AS i (place, attribute, value)
    ON CONFLICT DO NOTHING
),

dropped AS (
    DELETE FROM attribute_value AS v
    USING (
        SELECT o.place
        FROM unnest($13::text::integer[], $14::text::text[], $15::text::text[]) AS i (place, attribute, value)
        CROSS JOIN LATERAL (
            SELECT ctid AS place, id FROM attribute_value
            WHERE directory = $1 AND kind = ($9::text[])[i.place] AND attribute = i.attribute AND value = i.value
                AND id = ($2::text[])[i.place]
            OFFSET 0
        ) AS o
    ) AS old
    WHERE v.ctid = old.place
)

UPDATE resource AS r
SET external_id = n.external_id, version = n.version, modified = n.modified, document = n.document,
    search = n.search::jsonb, display = n.display
FROM (
    SELECT * FROM unnest(
        $2::text[], $3::text::text[], $4::text::bigint[], $5::text::bigint[], $6::bytea[], $7::text[], $8::text::text[]
    ) AS j (id, external_id, version, modified, document, search, display)
    LIMIT cardinality($2)
) AS n
WHERE r.directory IN ($1, $1) AND r.id = n.id;

-- name: update_resource
-- Replace what a change may change of a live resource; the connection that it had.
UPDATE resource AS r
SET connection = $4, external_id = $5, version = $6, modified = $7, document = $8, search = $9::jsonb, display = $10
FROM (SELECT * FROM resource WHERE directory IN ($1, $1) AND id = $2 OFFSET 0) AS old
WHERE r.directory IN ($1, $1) AND r.id = $2 AND old.kind = $3 AND old.deleted IS NULL
RETURNING old.connection;

-- name: update_indexed
-- The same with other values than before, unless a unique one is taken: the connection, and which.
WITH clash AS (
    SELECT u.attribute, u.value
    FROM unnest($11::text[], $12::text[]) WITH ORDINALITY AS u (attribute, value, place)
    CROSS JOIN LATERAL (
        SELECT 1 FROM unique_value AS v
        WHERE v.directory = $1 AND v.kind = $3 AND v.attribute = u.attribute AND v.value = u.value
        OFFSET 0
    ) AS v
    ORDER BY u.place
    LIMIT 1
),

changed AS (
    UPDATE resource AS r
    SET connection = $4, external_id = $5, version = $6, modified = $7, document = $8, search = $9::jsonb,
        display = $10
    FROM (SELECT * FROM resource WHERE directory IN ($1, $1) AND id = $2 OFFSET 0) AS old
    WHERE r.directory IN ($1, $1) AND r.id = $2 AND old.kind = $3 AND old.deleted IS NULL
        AND NOT EXISTS (SELECT 1 FROM clash)
    RETURNING r.id, old.connection
),

taken AS (
    INSERT INTO unique_value (directory, kind, attribute, value, id)
    SELECT $1, $3, u.attribute, u.value, changed.id
    FROM changed CROSS JOIN unnest($11::text[], $12::text[]) AS u (attribute, value)
),

given AS (
    DELETE FROM unique_value AS v
    USING (
        SELECT o.place
        FROM changed CROSS JOIN unnest($13::text[], $14::text[]) AS u (attribute, value)
        CROSS JOIN LATERAL (
            SELECT ctid AS place, id FROM unique_value
            WHERE directory = $1 AND kind = $3 AND attribute = u.attribute AND value = u.value
            OFFSET 0
        ) AS o
        WHERE o.id = changed.id
    ) AS old
    WHERE v.ctid = old.place
),

noted AS (
    INSERT INTO attribute_value (directory, kind, attribute, value, id)
    SELECT $1, $3, i.attribute, i.value, changed.id
    FROM changed CROSS JOIN unnest($15::text[], $16::text[]) AS i (attribute, value)
    ON CONFLICT DO NOTHING
),

dropped AS (
    DELETE FROM attribute_value AS v
    USING (
        SELECT o.place
        FROM changed CROSS JOIN unnest($17::text[], $18::text[]) AS i (attribute, value)
        CROSS JOIN LATERAL (
            SELECT ctid AS place, id FROM attribute_value
            WHERE directory = $1 AND kind = $3 AND attribute = i.attribute AND value = i.value AND id = changed.id
            OFFSET 0
        ) AS o
    ) AS old
    WHERE v.ctid = old.place
)

SELECT (SELECT connection FROM changed), (SELECT attribute FROM clash), (SELECT value FROM clash);

-- name: retain_resource
-- Mark a live resource deleted; nothing searches it any more. The connection that it had.
UPDATE resource AS r
SET connection = $4, external_id = $5, version = $6, modified = $7, deleted = $8, document = $9, search = '{}'
FROM (SELECT * FROM resource WHERE directory IN ($1, $1) AND id = $2 OFFSET 0) AS old
WHERE r.directory IN ($1, $1) AND r.id = $2 AND old.kind = $3 AND old.deleted IS NULL
RETURNING old.connection;

-- name: revive_resource
-- Make a retained resource live again with its values, unless a unique one is taken: whether, and which.
WITH clash AS (
    SELECT u.attribute, u.value
    FROM unnest($13::text[], $14::text[]) WITH ORDINALITY AS u (attribute, value, place)
    CROSS JOIN LATERAL (
        SELECT 1 FROM unique_value AS v
        WHERE v.directory = $1 AND v.kind = $3 AND v.attribute = u.attribute AND v.value = u.value
        OFFSET 0
    ) AS v
    ORDER BY u.place
    LIMIT 1
),

made AS (
    UPDATE resource AS r
    SET connection = $4, external_id = $5, seq = $6, version = $7, created = $8, modified = $9, deleted = NULL,
        document = $10, search = $11::jsonb, display = $12
    FROM (SELECT kind, deleted FROM resource WHERE directory IN ($1, $1) AND id = $2 OFFSET 0) AS old
    WHERE r.directory IN ($1, $1) AND r.id = $2 AND old.kind = $3 AND old.deleted IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM clash)
    RETURNING r.id
),

taken AS (
    INSERT INTO unique_value (directory, kind, attribute, value, id)
    SELECT $1, $3, u.attribute, u.value, made.id
    FROM made CROSS JOIN unnest($13::text[], $14::text[]) AS u (attribute, value)
),

noted AS (
    INSERT INTO attribute_value (directory, kind, attribute, value, id)
    SELECT $1, $3, i.attribute, i.value, made.id
    FROM made CROSS JOIN unnest($15::text[], $16::text[]) AS i (attribute, value)
    ON CONFLICT DO NOTHING
)

SELECT EXISTS (SELECT 1 FROM made), (SELECT attribute FROM clash), (SELECT value FROM clash);

-- name: erase_resource
-- Remove a live or retained resource, and say what was indexed of it, whose it was, and when it was deleted.
DELETE FROM resource AS r
USING (SELECT kind FROM resource WHERE directory IN ($1, $1) AND id = $2 OFFSET 0) AS old
WHERE r.directory IN ($1, $1) AND r.id = $2 AND old.kind = $3
RETURNING r.search, r.connection, r.deleted;

-- name: forget_resource
-- Give the values of a resource free, and end its memberships and those in it.
WITH given AS (
    DELETE FROM unique_value AS v
    USING (
        SELECT o.place
        FROM unnest($4::text[], $5::text[]) AS u (attribute, value)
        CROSS JOIN LATERAL (
            SELECT ctid AS place, id FROM unique_value
            WHERE directory = $1 AND kind = $3 AND attribute = u.attribute AND value = u.value
            OFFSET 0
        ) AS o
        WHERE o.id = $2
    ) AS old
    WHERE v.ctid = old.place
),

dropped AS (
    DELETE FROM attribute_value AS v
    USING (
        SELECT o.place
        FROM unnest($6::text[], $7::text[]) AS i (attribute, value)
        CROSS JOIN LATERAL (
            SELECT ctid AS place, id FROM attribute_value
            WHERE directory = $1 AND kind = $3 AND attribute = i.attribute AND value = i.value AND id = $2
            OFFSET 0
        ) AS o
    ) AS old
    WHERE v.ctid = old.place
),

gone AS (
    DELETE FROM member WHERE directory IN ($1, $1) AND group_id = $2
),

ended AS (
    DELETE FROM member WHERE directory IN ($1, $1) AND member_id = $2
)

DELETE FROM pending_member WHERE directory IN ($1, $1) AND group_id = $2;

-- name: set_loss
-- Replace what a connection has taken away, if there is such a connection.
INSERT INTO fuse_window (directory, connection, began, lost, live)
SELECT directory, id, $3, $4, $5 FROM connection WHERE directory = $1 AND id = $2
ON CONFLICT (directory, connection) DO UPDATE
SET began = excluded.began, lost = excluded.lost, live = excluded.live;
