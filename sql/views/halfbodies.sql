-- Half bodies that a detector found, with the character vector where there is one. character is null where a face
-- says who it is.
CREATE OR REPLACE VIEW halfbodies AS
SELECT detection_id AS halfbody_id, * EXCLUDE (detection_id, kind, named_by)
FROM identified_detections
WHERE kind = 'halfbody';
