-- The references for comparing faces: the examples, and the faces that people have named.
--
-- If a person has named a face, an example made from it is ignored. Renamed characters have their new name.
--
-- $model       the model of the vectors
--
-- gives        example_id, character, appearance, shot (its source and shot; null: not from this database), vector
WITH labelled AS (
    SELECT
        detection_id,
        max(value) FILTER (WHERE field = 'character') AS character,
        max(value) FILTER (WHERE field = 'appearance') AS appearance
    FROM box_labels
    WHERE detection_id IS NOT NULL
    GROUP BY detection_id
),

every AS (
    SELECT e.example_id, e.character, e.appearance, e.frame_id, e.vector
    FROM lance_examples AS e
    ANTI JOIN (SELECT detection_id FROM labelled WHERE character IS NOT NULL) AS corrected
        ON corrected.detection_id = e.face_id
    WHERE e.vector_model = $model

    UNION ALL

    SELECT 'label ' || d.detection_id, labelled.character, labelled.appearance, d.frame_id, d.vector
    FROM labelled
    JOIN newest_detections AS d USING (detection_id)
    WHERE d.kind = 'face' AND d.vector_model = $model AND labelled.character <> 'unknown'
)

SELECT
    every.example_id,
    coalesce(names.final, every.character) AS character,
    every.appearance,
    f.source_id || '/' || f.shot AS shot,
    every.vector
FROM every
LEFT JOIN names ON names.name = every.character
LEFT JOIN lance_frames AS f ON f.frame_id = every.frame_id
WHERE every.vector IS NOT NULL
ORDER BY every.example_id
