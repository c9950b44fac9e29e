-- Boxes, plus a head box for each face in frames without detected heads: one and a half times the size of the face.
--
-- boxes  name of a relation with detection_id, frame_id, kind, box (left, top, right, bottom), crop_number
CREATE OR REPLACE MACRO with_heads(boxes) AS TABLE
FROM query_table(boxes)
UNION ALL BY NAME
SELECT detection_id, frame_id, 'head' AS kind, with_margin(box, 0.25) AS box, crop_number
FROM query_table(boxes)
WHERE kind = 'face' AND frame_id NOT IN (SELECT frame_id FROM query_table(boxes) WHERE kind = 'head');
