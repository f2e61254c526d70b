-- The version of the schema that wrote this store.
SELECT max(version) AS version FROM schema_versions
