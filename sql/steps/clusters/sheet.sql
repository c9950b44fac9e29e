-- The faces of each cluster that its contact sheet shows, the most typical first.
--
-- $count   at most so many of one cluster
-- $only    cluster numbers; empty: all
-- gives    cluster, face_id, frame_id, source_id, episode, left, top, right, bottom, similarity, and of the
--          whole cluster n_faces, n_episodes, least (its lowest similarity), name
--
-- A quarter of them are the least typical, which show whether somebody else slipped in; the others are
-- taken from the episodes in turn, by lot.
WITH placed AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY cluster ORDER BY similarity, face_id) AS from_below,
        row_number() OVER (PARTITION BY cluster, source_id ORDER BY md5(face_id)) AS turn,
        count(*) OVER (PARTITION BY cluster) AS n_faces,
        min(similarity) OVER (PARTITION BY cluster) AS least
    FROM clusters
    WHERE cluster IS NOT NULL AND (len($only) = 0 OR cluster IN (SELECT unnest($only)))
),

chosen AS (
    SELECT *
    FROM placed
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
    c.cluster, c.face_id, c.frame_id, c.source_id, c.episode, c.similarity, c.n_faces, c.least,
    f."left", f.top, f."right", f.bottom,
    about.n_episodes, about."name"
FROM chosen AS c
JOIN faces AS f ON f.face_id = c.face_id
JOIN about ON about.cluster = c.cluster
ORDER BY c.cluster, c.similarity DESC, c.face_id
