-- The newest detections, with the character of each: from people's labels, or else from `animeds characters classify`.
-- Renamed characters have their new name. Replaces sql/layers/identified_detections.sql.
CREATE OR REPLACE VIEW identified_detections AS
SELECT d.*, n.character, n.appearance, n.character_score, n.margin, n.named_by
FROM newest_detections AS d
LEFT JOIN named AS n USING (detection_id);
