-- The rows of the table `identities`: faces named from examples, from tags and shots, and people seen from behind.
--
-- scores       the result of scores.sql
-- lifted       detection_id, character, appearance, score, example_id, by: unknown faces named from tags and shots
-- behind       the result of behind.sql
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
