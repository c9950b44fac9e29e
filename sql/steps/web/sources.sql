-- The sources in the order of time, and how many frames each has; null where its ingest has not ended.
SELECT source_id, CASE WHEN state = 'done' THEN n_frames END AS frames
FROM sources
ORDER BY "show" NULLS FIRST, season NULLS FIRST, episode NULLS FIRST, source_id
