-- Administrators may have a second factor beside their password: JSON, as store/rows.py has it.
-- since: 0001

ALTER TABLE administrator ADD COLUMN second_factor TEXT COLLATE "C";
