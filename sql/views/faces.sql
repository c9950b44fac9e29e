-- Faces that a detector found, with the character vector if there is one.
--
-- character  a name; 'unknown': not recognised; 'ood': not in the cast; null: never classified
-- fh_ratio   the height of the face as a share of the frame's height, 0…1
CREATE OR REPLACE VIEW faces AS
SELECT detection_id AS face_id, * EXCLUDE (detection_id, kind, named_by), bottom - top AS fh_ratio
FROM identified_detections
WHERE kind = 'face';
