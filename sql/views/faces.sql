-- Faces that a detector found, with the character vector where there is one.
-- fh_ratio is the height of the face as a share of the frame's height, 0…1.
CREATE OR REPLACE VIEW faces AS
SELECT detection_id AS face_id, * EXCLUDE (detection_id, kind), bottom - top AS fh_ratio
FROM newest_detections
WHERE kind = 'face';
