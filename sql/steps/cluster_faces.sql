-- The faces that are grouped by who they look like, in the order of time, with who is known of them.
--
-- gives    face_id, frame_id, source_id, left, top, right, bottom, vector, vector_model, and
--          character: who it is, where a person said so or it is an example; else null
WITH told AS (
    SELECT face_id, character, 1 AS place FROM characters WHERE "by" = 'label'
    UNION ALL
    SELECT face_id, coalesce(names.final, e.character), 2 AS place
    FROM lance_examples AS e
    LEFT JOIN names ON names.name = e.character
    WHERE face_id IS NOT NULL AND e.character <> 'ood'
),

known AS (
    SELECT face_id, arg_min(character, (place, character)) AS character FROM told GROUP BY face_id
)

SELECT
    d.detection_id AS face_id,
    d.frame_id,
    d.source_id,
    d."left", d.top, d."right", d.bottom,
    d.vector,
    d.vector_model,
    known.character
FROM newest_detections AS d
LEFT JOIN known ON known.face_id = d.detection_id
WHERE d.kind = 'face'
ORDER BY face_id
