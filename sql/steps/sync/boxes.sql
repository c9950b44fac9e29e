-- The boxes of people on the pictures of an edited folder, with the current name of each.
--
-- pictures  picture (its number), frame_id, crop (left, top, right, bottom; null: all of the frame)
-- gives     picture, detection_id, source_id, kind, left, top, right, bottom (of the frame, 0…1), character,
--           appearance; character is null for a box without a name
SELECT
    pictures.picture,
    d.detection_id,
    d.source_id,
    d.kind,
    d.left,
    d.top,
    d.right,
    d.bottom,
    CASE WHEN is_known(d.character) THEN d.character END AS character,
    CASE WHEN is_known(d.character) THEN d.appearance END AS appearance
FROM pictures
JOIN identified_detections AS d USING (frame_id)
WHERE d.kind IN ('face', 'head', 'halfbody', 'person')
    AND (crop IS NULL OR in_crop(d.left, d.top, d.right, d.bottom, crop))
ORDER BY pictures.picture, d.kind, d.left, d.detection_id;
