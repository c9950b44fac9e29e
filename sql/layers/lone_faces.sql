-- The characters who are alone on a frame of `kept`: one row per frame, with the box by which the character is known.
--
-- who, worn  the columns character and appearance, called so because "character" is a parameter of pairs()
CREATE OR REPLACE VIEW lone_faces AS
WITH lone AS (
    SELECT frame_id, min(box.detection_id) AS detection_id
    FROM identified_detections AS box
    WHERE box.kind = 'face' OR is_known(box.character)
    GROUP BY frame_id
    HAVING count(*) FILTER (WHERE box.kind = 'face') <= 1 AND count(DISTINCT box.character) = 1
)

SELECT
    frame.frame_id, frame.source_id, frame.shot, frame.tags, frame.embedding, frame.embedder,
    box.character AS who, box.appearance AS worn, box."left", box.top, box."right", box.bottom
FROM lone
JOIN identified_detections AS box ON box.detection_id = lone.detection_id
JOIN kept AS frame ON frame.frame_id = lone.frame_id
WHERE is_known(box.character);
