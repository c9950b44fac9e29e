-- The boxes that the crops of clips follow: one per clip and ingested frame.
--
-- crops  picture (its number), face_id (the box that is cut out), source_id, first_pts, last_pts (of the clip)
-- gives  picture, time_s, left, top, right, bottom, ordered by picture and time. The frame of face_id is one of them.
--
-- On other frames it is the box of the same kind and character. Without a known character, only the box itself is here:
-- nobody knows which of the others is the same person.
WITH chosen AS (
    SELECT c.*, d.frame_id AS own_frame, d.kind, d.character
    FROM crops AS c
    JOIN identified_detections AS d ON d.detection_id = c.face_id
)

SELECT c.picture, f.time_s, d.left, d.top, d.right, d.bottom
FROM chosen AS c
JOIN lance_frames AS f ON f.source_id = c.source_id AND f.pts BETWEEN c.first_pts AND c.last_pts
JOIN identified_detections AS d
    ON d.frame_id = f.frame_id
    AND d.kind = c.kind
    AND (
        d.detection_id = c.face_id
        OR (f.frame_id <> c.own_frame AND d.character = c.character AND is_known(c.character))
    )
QUALIFY 1 = row_number() OVER (PARTITION BY c.picture, f.frame_id ORDER BY d.score DESC, d.detection_id)
ORDER BY c.picture, f.time_s
