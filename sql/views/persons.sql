-- Whole persons that a detector found, with the character vector where there is one.
CREATE OR REPLACE VIEW persons AS
SELECT detection_id AS person_id, * EXCLUDE (detection_id, kind)
FROM newest_detections
WHERE kind = 'person';
