-- Faces that a detector found, with the character vector where there is one.
--
-- character  whose face it is; 'unknown': nobody known, 'ood': none of the cast; null: never classified
-- fh_ratio   the height of the face as a share of the frame's height, 0…1
CREATE OR REPLACE VIEW faces AS
SELECT detection_id AS face_id, * EXCLUDE (detection_id, kind, named_by), bottom - top AS fh_ratio
FROM identified_detections
WHERE kind = 'face';
