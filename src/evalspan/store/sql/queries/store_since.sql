-- When the store was first made ready.
SELECT min(applied_at) AS since FROM schema_versions
