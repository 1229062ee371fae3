-- API keys by page, and settings of the installation.
CREATE INDEX api_key_page ON api_key (created DESC, id);
CREATE INDEX api_key_of ON api_key (directory, created DESC, id);

-- What administrators chose for the whole installation; `value` is JSON. What is not here has its default.
CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
