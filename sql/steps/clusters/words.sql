-- People's labels of clusters, one row per face: merged or split. In the order in which they were given.
--
-- gives    act, value ('one person'; or 'person 1', 'person 2', … after a split), face_id
--
-- As in box_labels, a label applies to the newest face that overlaps its box most, with an IoU of at least 0.5.
WITH matches AS (
    SELECT
        w.label_id, w.act, w.value, d.detection_id AS face_id,
        iou(d."left", d.top, d."right", d.bottom, w."left", w.top, w."right", w.bottom) AS share
    FROM active_labels AS w
    JOIN newest_detections AS d ON d.frame_id = w.frame_id AND d.kind = w.kind
    WHERE w.field = 'cluster'
)

SELECT act, value, max_by(face_id, (share, face_id)) AS face_id
FROM matches
WHERE share >= 0.5
GROUP BY label_id, act, value
ORDER BY label_id
