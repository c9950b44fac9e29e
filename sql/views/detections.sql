-- The boxes that detectors found: faces, heads, half bodies, persons, and whatever else they know (kind).
--
-- left, top, right, bottom are relative to the displayed frame, 0…1, origin at the top left.
-- left and right are keywords of SQL: write d.left or "left".
CREATE OR REPLACE VIEW detections AS
SELECT * FROM lance_detections;
