-- Crops that people drew by hand (field: crop), the newest label per frame or box: exports use them.
--
-- detection_id  the box that is cut out so; NULL: the picture of the whole frame, or a box that is not there now
-- kind          of the labelled box; NULL: the whole frame
-- crop          left, top, right, bottom, 0…1 of the frame
--
-- As in box_labels, a label of a box applies to the newest detection of that kind that overlaps it most, with an IoU of
-- at least 0.5.
CREATE OR REPLACE VIEW drawn_crops AS
WITH given AS (
    SELECT * FROM active_labels WHERE field = 'crop'
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
),

newest AS (
    SELECT *
    FROM matched
    QUALIFY 1 = row_number() OVER (
        PARTITION BY coalesce(detection_id, concat_ws(' ', frame_id, kind, "left", "top", "right", "bottom"))
        ORDER BY label_id DESC
    )
)

SELECT
    label_id, act, frame_id, source_id, kind, detection_id, string_split(value, ',')::DOUBLE[] AS crop
FROM newest
WHERE op = 'set';
