-- The newest detections, with the character of each: what people said, else what `animeds characters classify`
-- found. Renamed characters have their new name. Stands in for sql/layers/identified_detections.sql.
CREATE OR REPLACE VIEW identified_detections AS
SELECT d.*, n.character, n.appearance, n.character_score, n.margin, n.named_by
FROM newest_detections AS d
LEFT JOIN named AS n USING (detection_id);
