-- name: clusters
-- Groups of faces that look like one person, the largest first, and their most frequent names.
-- similarity is the mean cosine with the group's centre; share is the share of faces with the name.
-- param unnamed: bool = false      only groups without a name
WITH named AS (
    SELECT cluster, character, count(*) AS n
    FROM clusters
    WHERE cluster IS NOT NULL AND character <> 'unknown'
    GROUP BY cluster, character
),

best AS (
    SELECT cluster, arg_max(character, (n, character)) AS character, max(n) AS n FROM named GROUP BY cluster
)

SELECT
    c.cluster,
    best.character AS "name",
    count(*) AS n_faces,
    count(DISTINCT c.source_id) AS n_episodes,
    min(c.frame_id) AS first_frame,
    round(avg(c.similarity), 3) AS similarity,
    round(coalesce(any_value(best.n), 0) / count(*), 2) AS share
FROM clusters AS c
LEFT JOIN best ON best.cluster = c.cluster
WHERE c.cluster IS NOT NULL
GROUP BY c.cluster, best.character
HAVING NOT $unnamed OR best.character IS NULL
ORDER BY c.cluster;
