-- Whole persons that a detector found, with the character vector if there is one. character is null if the face of
-- the same person is found: the name is then in `faces`.
CREATE OR REPLACE VIEW persons AS
SELECT detection_id AS person_id, * EXCLUDE (detection_id, kind, named_by)
FROM identified_detections
WHERE kind = 'person';
