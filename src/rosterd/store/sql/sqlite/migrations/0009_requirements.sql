-- What a directory asks of its resources beyond their schemas, and of which end of a token was warned.
ALTER TABLE directory ADD COLUMN requirements TEXT NOT NULL DEFAULT '{}';
ALTER TABLE token ADD COLUMN warned INTEGER;

-- What ends, by when.
CREATE INDEX client_secret_expires ON client_secret (expires) WHERE expires IS NOT NULL;
CREATE INDEX api_key_expires ON api_key (expires);
