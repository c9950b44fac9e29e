-- The sources in the order of seasons and episodes, with their numbers of frames; null if the ingest has not finished.
SELECT source_id, CASE WHEN state = 'done' THEN n_frames END AS frames
FROM sources
ORDER BY "show" NULLS FIRST, season NULLS FIRST, episode NULLS FIRST, source_id
