-- The boxes that have a name: from people's labels, or else from `animeds characters classify`, under the current
-- name. The coordinates are in `identified_detections`; a query that does not need them is faster with this view.
--
-- The column `character` always has its table in front here: without it, DuckDB would take it for the parameter of
-- pairs(), which builds on this view.
CREATE OR REPLACE VIEW named AS
SELECT
    detection_id, frame_id, source_id, "show", season, episode,
    i.character, appearance, score AS character_score, margin, "by" AS named_by
FROM identities AS i
ANTI JOIN (SELECT detection_id FROM labelled_boxes WHERE getvariable('boxes_labelled')) AS by_hand USING (detection_id)
ANTI JOIN (
    SELECT detection_id
    FROM lance_detections
    ANTI JOIN newest_detections USING (detection_id)
    WHERE getvariable('detected_again')  -- at these levels, DuckDB plans no join while it is false
) AS superseded USING (detection_id)
UNION ALL
SELECT
    detection_id, frame_id, source_id, "show", season, episode,
    l.character, appearance, score, margin, "by"
FROM labelled_boxes AS l
WHERE getvariable('boxes_labelled');
