-- Pairs of faces that cannot be the same person, because both are in one frame. Two boxes that overlap are the same
-- face, found twice.
--
-- boxes    row, frame_id, left, top, right, bottom
-- gives    a, b: rows, a < b
SELECT a."row" AS a, b."row" AS b
FROM boxes AS a
JOIN boxes AS b ON a.frame_id = b.frame_id AND a."row" < b."row"
WHERE iou(a."left", a.top, a."right", a.bottom, b."left", b.top, b."right", b.bottom) < 0.3
ORDER BY a, b
