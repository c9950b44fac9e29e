-- The pictures that a captioner must still describe: whole frames, or the boxes of some kinds with a margin.
--
-- chosen     a relation with the frame_id of the frames to describe
-- $kinds     face, head, halfbody, person; an empty list: whole frames
-- $model, $prompt, $language   ids; a picture that has such a description is left out
-- gives      picture (the id of the frame or box), frame_id, source_id, detection_id, crop_kind, crop (left, top,
--            right, bottom, 0…1; null: the whole frame)
WITH pictures AS (
    SELECT
        frame_id AS picture, frame_id, source_id, NULL::VARCHAR AS detection_id, NULL::VARCHAR AS crop_kind,
        NULL::DOUBLE[] AS crop
    FROM lance_frames
    WHERE len($kinds) = 0
    UNION ALL
    SELECT
        detection_id, frame_id, source_id, detection_id, kind,
        with_margin([d."left", d."top", d."right", d."bottom"], 0.1)
    FROM newest_detections AS d
    WHERE list_contains($kinds, kind)
)

SELECT *
FROM pictures
SEMI JOIN chosen USING (frame_id)
WHERE
    (crop IS NULL OR (crop[3] > crop[1] AND crop[4] > crop[2]))
    AND picture NOT IN (
        SELECT coalesce(detection_id, frame_id)
        FROM lance_descriptions
        WHERE model = $model AND prompt = $prompt AND language = $language
    )
ORDER BY picture;
