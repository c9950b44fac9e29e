-- The faces of each cluster for its contact sheet, the most typical first.
--
-- $count   maximum number of faces per cluster
-- $only    cluster numbers; empty: all
-- gives    cluster, face_id, frame_id, source_id, episode, left, top, right, bottom, similarity, and for the
--          whole cluster n_faces, n_episodes, min_similarity, name
--
-- A quarter of the faces are the least typical ones, which show whether another person is in the cluster. The others
-- are random faces, spread over the episodes.
WITH ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY cluster ORDER BY similarity, face_id) AS from_below,
        row_number() OVER (PARTITION BY cluster, source_id ORDER BY md5(face_id)) AS turn,
        count(*) OVER (PARTITION BY cluster) AS n_faces,
        min(similarity) OVER (PARTITION BY cluster) AS min_similarity
    FROM clusters
    WHERE cluster IS NOT NULL AND (len($only::INTEGER[]) = 0 OR cluster IN (SELECT unnest($only::INTEGER[])))
),

chosen AS (
    SELECT *
    FROM ranked
    QUALIFY row_number() OVER (
        PARTITION BY cluster
        ORDER BY from_below > $count // 4, CASE WHEN from_below > $count // 4 THEN turn END, md5(face_id)
    ) <= $count
),

about AS (
    SELECT cluster, count(DISTINCT source_id) AS n_episodes, mode(character) FILTER (
        WHERE is_known(character)
    ) AS "name"
    FROM clusters
    GROUP BY cluster
)

SELECT
    c.cluster, c.face_id, c.frame_id, c.source_id, c.episode, c.similarity, c.n_faces, c.min_similarity,
    f."left", f.top, f."right", f.bottom,
    about.n_episodes, about."name"
FROM chosen AS c
JOIN faces AS f ON f.face_id = c.face_id
JOIN about ON about.cluster = c.cluster
ORDER BY c.cluster, c.similarity DESC, c.face_id
