-- An index of parts of texts for `co` and `ew`; what is there already is due.

-- Parts of the folded texts that people search by (names, e-mails): the numbers of resources by three characters.
-- A row's number is the directory times 2^40 plus the resource's `seq`. It only narrows a search.
CREATE VIRTUAL TABLE parts USING fts5 (
    text, content = '', detail = none, columnsize = 0, tokenize = 'trigram case_sensitive 1'
);

-- Resources that `parts` does not know yet as they are: with what it has of them, and what it shall have.
CREATE TABLE parts_due (
    directory INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    old       TEXT,
    new       TEXT,
    PRIMARY KEY (directory, seq)
) STRICT, WITHOUT ROWID;

INSERT INTO parts_due (directory, seq, new)
SELECT directory, seq, (
    SELECT group_concat(t.atom, char(10)) FROM json_tree(json_object(
        'userName', json_extract(search, '$.userName'), 'displayName', json_extract(search, '$.displayName'),
        'name', json_extract(search, '$.name'), 'emails', json_extract(search, '$.emails')
    )) AS t WHERE t.type = 'text'
)
FROM resource WHERE deleted IS NULL;
