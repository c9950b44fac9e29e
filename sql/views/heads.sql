-- Heads that a detector found, with the character vector where there is one.
CREATE OR REPLACE VIEW heads AS
SELECT detection_id AS head_id, * EXCLUDE (detection_id, kind)
FROM newest_detections
WHERE kind = 'head';
