-- name: unknown_faces
-- Faces that were not recognised, the most frequent ones first: people who are missing from the examples.
-- cluster and n_like come from `animeds characters cluster`: similar faces and their number. nearest is the most
-- similar character, with its score.
-- param show: show = null          only this show
-- param min_height: real = 0.05    minimum height of the face relative to the frame, 0…1
-- param limit: int = 200           maximum number of rows; null is all
WITH sizes AS (
    SELECT cluster, count(*) AS n_like FROM clusters WHERE cluster IS NOT NULL GROUP BY cluster
)

SELECT
    f.frame_id,
    f.face_id,
    f."show",
    f.season,
    f.episode,
    g.time_s,
    c.cluster,
    coalesce(n_like, 1) AS n_like,
    i.second AS nearest,
    round(f.character_score::DOUBLE, 3) AS score,
    round(f.fh_ratio::DOUBLE, 3) AS fh_ratio
FROM faces AS f
JOIN frames AS g USING (frame_id)
LEFT JOIN clusters AS c ON c.face_id = f.face_id
LEFT JOIN sizes ON sizes.cluster = c.cluster
LEFT JOIN identities AS i ON i.detection_id = f.face_id
WHERE coalesce(f.character, 'unknown') = 'unknown'
  AND f.fh_ratio >= $min_height
  AND ($show IS NULL OR f."show" = $show)
ORDER BY n_like DESC, c.cluster, f.fh_ratio DESC, f.face_id
LIMIT $limit;
