-- Which boxes have a name, and whose: what people said, else what `animeds characters classify` found, under the
-- names of now. The boxes themselves are not here but in `identified_detections`: what needs none is faster without.
CREATE OR REPLACE VIEW named AS
SELECT
    detection_id, frame_id, source_id, "show", season, episode,
    character, appearance, score AS character_score, margin, "by" AS named_by
FROM identities
ANTI JOIN labelled_boxes USING (detection_id)
ANTI JOIN (
    SELECT detection_id
    FROM lance_detections
    ANTI JOIN newest_detections USING (detection_id)
    WHERE getvariable('detected_again')  -- out here: while it is false, DuckDB plans no join at all
) AS superseded USING (detection_id)
UNION ALL
SELECT
    detection_id, frame_id, source_id, "show", season, episode,
    character, appearance, score, margin, "by"
FROM labelled_boxes;
