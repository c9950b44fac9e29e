-- The rows of the table `identities`: what examples say of each face, what tags and shots add, people from behind.
--
-- scores       what scores.sql gives
-- lifted       detection_id, character, appearance, score, example_id, by: of unknown faces, by tags and shots
-- behind       what behind.sql gives
SELECT
    s.detection_id,
    s.frame_id,
    s.source_id,
    coalesce(l.character, s.character) AS character,
    CASE WHEN l.character IS NULL THEN s.appearance ELSE l.appearance END AS appearance,
    coalesce(l.score, s.score) AS score,
    s.margin,
    nullif(s.second, coalesce(l.character, s.character)) AS second,
    coalesce(l.example_id, s.example_id) AS example_id,
    coalesce(l.by, 'examples') AS "by",
    $parameters AS parameters
FROM scores AS s
LEFT JOIN lifted AS l USING (detection_id)

UNION ALL

SELECT detection_id, frame_id, source_id, character, appearance, score, NULL, NULL, example_id, "by", $parameters
FROM behind

ORDER BY detection_id
