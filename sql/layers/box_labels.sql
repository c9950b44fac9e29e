-- Who people said is in a box (field: character or appearance), on the detections of now.
--
-- A word was said about a box. It holds for the newest detection of that frame and kind that overlaps the box
-- most, with an IoU of at least 0.5, so it survives another detector. What was said of a head or a person holds
-- for the face in it, where there is exactly one: every person is named once.
-- detection_id is null while no detection is there. Of several words about one detection the newest counts.
CREATE OR REPLACE VIEW box_labels AS
WITH words AS (
    SELECT * FROM active_labels WHERE kind IS NOT NULL AND field <> 'cluster'  -- those are about groups of faces
),

places AS (
    SELECT DISTINCT frame_id, kind, "left", "top", "right", "bottom" FROM words
),

shared AS (
    SELECT
        p.*,
        d.detection_id,
        d.kind = p.kind AS alike,
        iou(d.left, d.top, d.right, d.bottom, p.left, p.top, p.right, p.bottom) AS share,
        p.kind <> 'face' AND d.kind = 'face'
            AND inside(d.left, d.top, d.right, d.bottom, p.left, p.top, p.right, p.bottom) >= 0.9 AS face_in_it
    FROM places AS p
    JOIN newest_detections AS d USING (frame_id)
),

found AS (
    SELECT
        frame_id, kind, "left", "top", "right", "bottom",
        CASE count(*) FILTER (WHERE face_in_it)
            WHEN 1 THEN any_value(detection_id) FILTER (WHERE face_in_it)
            ELSE max_by(detection_id, (share, detection_id)) FILTER (WHERE alike AND share >= 0.5)
        END AS detection_id
    FROM shared
    GROUP BY ALL
),

newest AS (
    SELECT words.*, found.detection_id
    FROM words
    LEFT JOIN found USING (frame_id, kind, "left", "top", "right", "bottom")
    QUALIFY row_number() OVER (
        PARTITION BY
            field,
            coalesce(detection_id, concat_ws(' ', frame_id, kind, "left", "top", "right", "bottom"))
        ORDER BY label_id DESC
    ) = 1
)

SELECT * FROM newest WHERE op = 'set';
