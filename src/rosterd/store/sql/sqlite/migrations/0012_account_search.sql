-- Users are found by the beginning of their family name, and listed by connection.
INSERT INTO attribute_value (directory, kind, attribute, value, id)
SELECT directory, kind, 'name.familyName', search ->> '$.name.familyName', id FROM resource
WHERE kind = 'User' AND deleted IS NULL AND search ->> '$.name.familyName' IS NOT NULL
ON CONFLICT DO NOTHING;

DROP INDEX resource_state;
CREATE INDEX resource_state ON resource (directory, kind, state, seq, connection);
