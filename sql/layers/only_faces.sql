-- Faces that are the only face in their frame. A character tag of the frame is then about this face.
CREATE OR REPLACE VIEW only_faces AS
SELECT frame_id, any_value(detection_id) AS detection_id, any_value(vector_model) AS vector_model
FROM newest_detections
WHERE kind = 'face'
GROUP BY frame_id
HAVING count(*) = 1;
