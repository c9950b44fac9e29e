-- The database in one row.
SELECT
    (SELECT count(*) FROM sources WHERE state = 'done') AS sources,
    (SELECT count(*) FROM sources WHERE state = 'running') AS running,
    (SELECT count(*) FROM sources WHERE n_damaged > 0 OR n_gaps > 0) AS damaged,
    (SELECT count(*) FROM frames) AS frames,
    (SELECT count(*) FROM newest_detections WHERE kind = 'face') AS faces,
    (SELECT count(*) FROM vocabulary) AS tags,
    (SELECT count(DISTINCT character) FROM characters) AS characters,
    (SELECT count(DISTINCT group_id) FROM duplicates) AS duplicates,
    (SELECT count(*) FROM labels) AS labels,
    (SELECT list(task || ' ' || model_id ORDER BY task, model_id) FROM models) AS models
