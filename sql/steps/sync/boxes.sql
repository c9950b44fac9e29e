-- Who is on the pictures of a folder that is read back: every box in them, with the name it has now.
--
-- pictures  picture (its number), frame_id, crop (left, top, right, bottom; null: all of the frame)
-- gives     picture, detection_id, source_id, kind, left, top, right, bottom (of the frame, 0…1), character,
--           appearance; character is null where nobody known is
--
-- A box is in a crop when its middle is, with a tenth of its size to each side, as where the crop was made.
SELECT
    pictures.picture,
    d.detection_id,
    d.source_id,
    d.kind,
    d.left,
    d.top,
    d.right,
    d.bottom,
    CASE WHEN d.character NOT IN ('unknown', 'ood') THEN d.character END AS character,
    CASE WHEN d.character NOT IN ('unknown', 'ood') THEN d.appearance END AS appearance
FROM pictures
JOIN named_detections AS d USING (frame_id)
WHERE crop IS NULL
    OR (
        0.6 * d.left + 0.4 * d.right >= crop[1]
        AND 0.4 * d.left + 0.6 * d.right <= crop[3]
        AND 0.6 * d.top + 0.4 * d.bottom >= crop[2]
        AND 0.4 * d.top + 0.6 * d.bottom <= crop[4]
    )
ORDER BY pictures.picture, d.kind, d.left, d.detection_id;
