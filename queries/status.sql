-- name: status
-- Every source: what it is, its contents, and any damage.
-- n_damaged counts positions at which damage lost a packet or a frame; n_gaps counts periods without a frame.
-- `animeds status` shows this, including sources whose ingest has not finished.
WITH of_frames AS (
    SELECT source_id, count(*) AS n_frames FROM frames GROUP BY source_id
),

of_faces AS (
    SELECT source_id, count(*) AS n_faces FROM faces GROUP BY source_id
)

SELECT
    source_id,
    "show",
    season,
    episode,
    title,
    kind,
    state,
    coalesce(of_frames.n_frames, 0) AS n_frames,
    coalesce(n_faces, 0) AS n_faces,
    sampling,
    n_damaged,
    n_gaps,
    error AS noticed,
    uri
FROM sources
LEFT JOIN of_frames USING (source_id)
LEFT JOIN of_faces USING (source_id)
ORDER BY "show", season, episode, title, source_id;
