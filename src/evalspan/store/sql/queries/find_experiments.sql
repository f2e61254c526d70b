-- A name also finds the runs called `<name>-<run id>`: clients that name each run and send no
-- logical name. A run id is a number (or numbers joined by -), a UUID, or six and more letters and
-- digits with a digit among them; `run-` may stand before it.
-- The keys and texts of metadata only narrow: what contains what is decided outside.
WITH
    substring(experiment, length({experiment:String}) + 2) AS suffix,
    replaceRegexpOne(suffix, '^run-?', '') AS run
SELECT
    experiment_id, project_id, dataset_id, dataset_version, project, dataset, experiment, experiment_name,
    description, metadata, config, tags, run_count, expected_records, status, error, parent_experiment_id,
    created_at, updated_at, revision
FROM experiments_data FINAL
WHERE deleted = {deleted:Bool}
  AND (empty({ids:Array(String)}) OR experiment_id IN {ids:Array(String)})
  AND ({project_id:String} = '' OR project_id = {project_id:String})
  AND ({dataset_id:String} = '' OR dataset_id = {dataset_id:String})
  AND (empty({parent_ids:Array(String)}) OR parent_experiment_id IN {parent_ids:Array(String)})
  AND ({name:String} = '' OR experiment_name = {name:String})
  AND (
    {experiment:String} = ''
    OR experiment = {experiment:String}
    OR (
      startsWith(experiment, concat({experiment:String}, '-'))
      AND (
        match(run, '^[0-9]+(-[0-9]+)*$')
        OR match(run, '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$')
        OR (match(run, '^[0-9A-Za-z]{6,}$') AND match(run, '[0-9]'))
      )
    )
  )
  AND arrayAll(k -> mapContains(metadata_map, k), {keys:Array(String)})
  AND arrayAll((k, v) -> metadata_map[k] = v, {text_keys:Array(String)}, {texts:Array(String)})
  AND (created_at, experiment_id) < ({before:DateTime64(6, 'UTC')}, {before_id:String})
ORDER BY created_at DESC, experiment_id DESC
LIMIT {limit:UInt64}
