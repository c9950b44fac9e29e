-- The faces, heads and persons with a name, and where they are seen.
--
-- $name   the character
SELECT
    d.detection_id AS face_id, d.frame_id, box_kind(d.detection_id, d.frame_id) AS kind, d.appearance,
    d.character_score AS score, d.margin, d.named_by AS "by",
    d.source_id, d."show", d.season, d.episode, f.time_s,
    s.title, s.duration_s
FROM named AS d
JOIN frames AS f ON f.frame_id = d.frame_id
JOIN sources AS s ON s.source_id = d.source_id
WHERE d.character = $name
ORDER BY d."show" NULLS FIRST, d.season NULLS FIRST, d.episode NULLS FIRST, d.detection_id
