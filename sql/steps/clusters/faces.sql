-- The faces to group, in the order of time, with their names if they are known.
--
-- gives    face_id, frame_id, source_id, left, top, right, bottom, vector, vector_model, and
--          character  the name from a label or an example, else null
--          clear      false if the face is dark, cut off, lower than 16 pixels, or has a detection score below 0.5
WITH labelled AS (
    SELECT face_id, character, 1 AS priority FROM characters WHERE "by" = 'label'
    UNION ALL
    SELECT face_id, character, 2 AS priority FROM examples WHERE face_id IS NOT NULL AND character <> 'ood'
),

known AS (
    SELECT face_id, arg_min(character, (priority, character)) AS character FROM labelled GROUP BY face_id
)

SELECT
    d.detection_id AS face_id,
    d.frame_id,
    d.source_id,
    d."left", d.top, d."right", d.bottom,
    d.vector,
    d.vector_model,
    known.character,
    NOT hard_to_see(f.brightness, d."left", d.top, d."right", d.bottom)
        AND coalesce((d.bottom - d.top) * f.height >= 16, true)
        AND coalesce(d.score >= 0.5, true) AS clear
FROM newest_detections AS d
JOIN lance_frames AS f ON f.frame_id = d.frame_id
LEFT JOIN known ON known.face_id = d.detection_id
WHERE d.kind = 'face'
ORDER BY face_id
