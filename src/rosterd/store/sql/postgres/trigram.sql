-- What the index of parts of texts needs, where the extensions can be had; without it `co` looks at every resource.
-- Extensions belong to a database and not to a schema, so two migrations at once take turns. What is
-- searched is JSON text, with its quotation marks: only a narrowing, the filter itself is applied behind it.

DO $do$
DECLARE
    home TEXT;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('rosterd trigram', 0));
    FOR home IN SELECT unnest(ARRAY['pg_trgm', 'btree_gin']) LOOP
        IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = home) THEN
            EXECUTE format('CREATE EXTENSION %I WITH SCHEMA public', home);
        END IF;
    END LOOP;
    CREATE OR REPLACE FUNCTION searched_text(search JSONB) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT coalesce((search -> 'userName')::text, '') || coalesce((search -> 'displayName')::text, '')
        || coalesce((search -> 'name')::text, '') || coalesce((search -> 'emails')::text, '') $$;
EXCEPTION
    WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object
        OR invalid_schema_name OR undefined_function THEN
        RAISE NOTICE 'no index of parts of texts: %', SQLERRM;
END
$do$;
