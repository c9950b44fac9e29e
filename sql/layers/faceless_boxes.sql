-- Heads, half bodies and persons without a visible face, one row per box.
--
-- l, t, r, b  the box, 0…1 of the frame
-- head_b      the lower edge of its head: of a half body or person, the upper third of the box
-- rank        1 head, 2 half body, 3 person: a smaller box gives a more exact position
-- source_id, shot, ordinal, time_s are those of the frame. If the face of a person is visible, all boxes of that person
-- are left out.
CREATE OR REPLACE VIEW faceless_boxes AS
WITH bodies AS (
    SELECT
        d.detection_id, d.frame_id, f.source_id, f.shot, f.ordinal, f.time_s,
        CASE d.kind WHEN 'head' THEN 1 WHEN 'halfbody' THEN 2 ELSE 3 END AS rank,
        d.left AS l, d.top AS t, d.right AS r, d.bottom AS b,
        CASE d.kind WHEN 'head' THEN d.bottom ELSE d.top + (d.bottom - d.top) / 3 END AS head_b
    FROM newest_detections AS d
    JOIN lance_frames AS f ON f.frame_id = d.frame_id
    WHERE d.kind IN ('head', 'halfbody', 'person')
),

with_face AS (
    SELECT DISTINCT bodies.*
    FROM bodies
    JOIN newest_detections AS d
        ON d.frame_id = bodies.frame_id
        AND d.kind = 'face'
        AND (d.left + d.right) / 2 BETWEEN bodies.l AND bodies.r
        AND (d.top + d.bottom) / 2 BETWEEN bodies.t AND bodies.b
)

SELECT bodies.*
FROM bodies
ANTI JOIN with_face AS other
    ON other.frame_id = bodies.frame_id
    AND (
        other.detection_id = bodies.detection_id
        OR inside(bodies.l, bodies.t, bodies.r, bodies.b, other.l, other.t, other.r, other.b) > 0.3
    );
