-- What people drew by hand (field: crop or mask), the newest label per frame or box, and of masks per part (subject).
--
-- detection_id  the box that it is about; NULL: the whole frame, or a box that is not there now
-- kind          of the labelled box, whose edges are in left, top, right and bottom; NULL: the whole frame
--
-- As in box_labels, a label of a box applies to the newest detection of that kind that overlaps it most, with an IoU of
-- at least 0.5.
CREATE OR REPLACE VIEW drawn_labels AS
WITH given AS (
    SELECT * FROM active_labels WHERE field IN ('crop', 'mask')
),

matched AS (
    SELECT given.*, d.detection_id
    FROM given
    LEFT JOIN newest_detections AS d ON
        d.frame_id = given.frame_id
        AND d.kind = given.kind
        AND iou(d.left, d.top, d.right, d.bottom, given.left, given.top, given.right, given.bottom) >= 0.5
    QUALIFY 1 = row_number() OVER (
        PARTITION BY given.label_id
        ORDER BY
            iou(d.left, d.top, d.right, d.bottom, given.left, given.top, given.right, given.bottom) DESC,
            d.detection_id
    )
)

SELECT *
FROM (
    SELECT *
    FROM matched
    QUALIFY 1 = row_number() OVER (
        PARTITION BY
            field,
            subject,
            coalesce(detection_id, concat_ws(' ', frame_id, kind, "left", "top", "right", "bottom"))
        ORDER BY label_id DESC
    )
)
WHERE op = 'set';
