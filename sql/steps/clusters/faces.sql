-- The faces that are grouped by who they look like, in the order of time, with who is known of them.
--
-- gives    face_id, frame_id, source_id, left, top, right, bottom, vector, vector_model, and
--          character  who it is, where a person said so or it is an example; else null
--          clear      can it be judged: not dark, cut off, below 16 pixels in height, or doubted by the detector
--                     (score below 0.5)
WITH labelled AS (
    SELECT face_id, character, 1 AS place FROM characters WHERE "by" = 'label'
    UNION ALL
    SELECT face_id, character, 2 AS place FROM examples WHERE face_id IS NOT NULL AND character <> 'ood'
),

known AS (
    SELECT face_id, arg_min(character, (place, character)) AS character FROM labelled GROUP BY face_id
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
