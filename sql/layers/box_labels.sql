-- People's labels of boxes (field: character, appearance, description or frame), applied to the current detections.
--
-- A label stores the coordinates of a box. It applies to the newest detection in that frame, of that kind, that
-- overlaps the box most, with an IoU of at least 0.5. So it survives a change of the detector. A label of a head or
-- person applies to the face inside it if there is exactly one, so that every person is named once. A description stays
-- with the kind of box that it describes.
-- detection_id is null if there is no such detection. The newest of several labels of one detection is in force.
CREATE OR REPLACE VIEW box_labels AS
WITH given AS (
    -- labels of clusters are about groups of faces, and crops and masks are in drawn_labels
    SELECT * FROM active_labels WHERE kind IS NOT NULL AND field NOT IN ('cluster', 'crop', 'mask')
),

labelled AS (
    SELECT DISTINCT frame_id, kind, "left", "top", "right", "bottom" FROM given
),

shared AS (
    SELECT
        p.*,
        d.detection_id,
        d.kind = p.kind AS same_kind,
        iou(d.left, d.top, d.right, d.bottom, p.left, p.top, p.right, p.bottom) AS share,
        p.kind IN ('head', 'halfbody', 'person') AND d.kind = 'face'
            AND inside(d.left, d.top, d.right, d.bottom, p.left, p.top, p.right, p.bottom) >= 0.9 AS face_in_it
    FROM labelled AS p
    JOIN newest_detections AS d USING (frame_id)
),

matched AS (
    SELECT
        frame_id, kind, "left", "top", "right", "bottom",
        max_by(detection_id, (share, detection_id)) FILTER (WHERE same_kind AND share >= 0.5) AS same_box,
        CASE count(*) FILTER (WHERE face_in_it)
            WHEN 1 THEN any_value(detection_id) FILTER (WHERE face_in_it)
            ELSE same_box
        END AS one_face
    FROM shared
    GROUP BY frame_id, kind, "left", "top", "right", "bottom"
),

placed AS (
    SELECT given.*, CASE WHEN field = 'description' THEN same_box ELSE one_face END AS detection_id
    FROM given
    LEFT JOIN matched USING (frame_id, kind, "left", "top", "right", "bottom")
),

newest AS (
    SELECT *
    FROM placed
    QUALIFY row_number() OVER (
        PARTITION BY
            field,
            coalesce(detection_id, concat_ws(' ', frame_id, kind, "left", "top", "right", "bottom"))
        ORDER BY label_id DESC
    ) = 1
)

SELECT * FROM newest WHERE op = 'set';
