-- name: episodes
-- What is in here, episode by episode.
-- minutes is the length of the video; n_with_face counts frames in which a face was found.
WITH of_frames AS (
    SELECT source_id, count(*) AS n_frames, count(DISTINCT shot) AS n_shots, count(*) FILTER (WHERE is_blank) AS n_blank
    FROM frames
    GROUP BY source_id
),

of_faces AS (
    SELECT source_id, count(*) AS n_faces, count(DISTINCT frame_id) AS n_with_face
    FROM faces
    GROUP BY source_id
)

SELECT
    sources."show",
    sources.season,
    sources.episode,
    sources.title,
    round(sources.duration_s / 60, 1) AS minutes,
    coalesce(of_frames.n_frames, 0) AS n_frames,
    coalesce(n_shots, 0) AS n_shots,
    coalesce(n_blank, 0) AS n_blank,
    coalesce(n_faces, 0) AS n_faces,
    coalesce(n_with_face, 0) AS n_with_face,
    sources.source_id
FROM sources
LEFT JOIN of_frames USING (source_id)
LEFT JOIN of_faces USING (source_id)
ORDER BY sources."show", season, episode, title;
