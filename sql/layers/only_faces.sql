-- The faces that are the only one of their frame: what a tag of a character says of the frame, it says of that face.
CREATE OR REPLACE VIEW only_faces AS
SELECT frame_id, any_value(detection_id) AS detection_id, any_value(vector_model) AS vector_model
FROM newest_detections
WHERE kind = 'face'
GROUP BY frame_id
HAVING count(*) = 1;
