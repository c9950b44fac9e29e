-- The crops of an export: one row per picture of the relation `selection`.
--
-- selection   any relation with frame_id and selection_row (its position). Optional: folder, filename, caption,
--             repeats, and
--             crop                              the part of the frame to use; crops of boxes are cut from it
--             face_id, head_id, halfbody_id, person_id, detection_id   the only box to crop
--             pair                              rows with different controls differ in it
-- $kinds      what to crop: frame (all of it), face, head, person or another kind of box; empty: the box in the
--             selection, or else the frame
-- $margin     share of the box to add on each side; NULL: the largest square for faces, a tenth for others
-- $trim       what to remove before cropping: borders, subtitles
-- $min_faces  frames with fewer faces give no crops of boxes
-- $min_px     minimum length of the shorter edge of a crop, in pixels of the frame
-- $max_share  a head, half body or person with more than this share of the frame becomes the whole frame, 0…1
--
-- A crop that a person drew (drawn_crops) replaces that of its box, or the picture of its frame, but a crop in the
-- selection wins.
--
-- gives       frame_id, folder, filename, caption, repeats, crop, face_id (of the box), crop_kind (NULL: the frame),
--             crop_number (from 1, left to right), pair, selection_row (the first row with this picture)

WITH framed AS MATERIALIZED (FROM framed_pictures('selection', $trim)),

boxes AS MATERIALIZED (
    SELECT
        detection_id,
        frame_id,
        kind,
        [d.left, d.top, d.right, d.bottom]::DOUBLE[] AS box,
        coalesce(try_cast(regexp_extract(detection_id, '-[a-z_]+(\d+)$', 1) AS INTEGER), 0) + 1 AS crop_number
    FROM newest_detections AS d
    SEMI JOIN framed USING (frame_id)
),

all_boxes AS (FROM with_heads('boxes')),

face_counts AS (
    SELECT frame_id, count(*) AS n_faces FROM boxes WHERE kind = 'face' GROUP BY frame_id
),

with_kinds AS (
    SELECT
        framed.*,
        unnest(CASE
            WHEN len($kinds) > 0 THEN $kinds
            WHEN chosen IS NOT NULL AND given IS NULL THEN ['chosen']
            ELSE ['frame']
        END) AS wanted_kind
    FROM framed
),

-- If the selection names a face, the matching head or person is the smallest box with the face's centre in it.
matched AS (
    SELECT
        with_kinds.*,
        all_boxes.detection_id AS face_id,
        all_boxes.box,
        all_boxes.kind AS crop_kind,
        all_boxes.crop_number
    FROM with_kinds
    LEFT JOIN boxes AS one ON one.detection_id = with_kinds.chosen
    LEFT JOIN face_counts ON face_counts.frame_id = with_kinds.frame_id
    JOIN all_boxes ON
        all_boxes.frame_id = with_kinds.frame_id
        AND all_boxes.kind = CASE WHEN wanted_kind = 'chosen' THEN one.kind ELSE wanted_kind END
        AND (
            with_kinds.chosen IS NULL
            OR all_boxes.detection_id = with_kinds.chosen
            OR (
                all_boxes.kind <> one.kind
                AND (one.box[1] + one.box[3]) / 2 BETWEEN all_boxes.box[1] AND all_boxes.box[3]
                AND (one.box[2] + one.box[4]) / 2 BETWEEN all_boxes.box[2] AND all_boxes.box[4]
            )
        )
    ANTI JOIN box_labels AS dropped
        ON dropped.field = 'frame' AND dropped.value = 'drop' AND dropped.detection_id = all_boxes.detection_id
    WHERE coalesce(n_faces, 0) >= $min_faces
    QUALIFY with_kinds.chosen IS NULL OR 1 = row_number() OVER (
        PARTITION BY
            with_kinds.frame_id, with_kinds.chosen, wanted_kind, folder, filename, caption, repeats, given, pair
        ORDER BY (all_boxes.box[3] - all_boxes.box[1]) * (all_boxes.box[4] - all_boxes.box[2]), all_boxes.crop_number
    )
),

cut AS (
    SELECT
        matched.* EXCLUDE (box),
        drawn.crop IS NOT NULL AS is_drawn,
        CASE
            WHEN drawn.crop IS NOT NULL THEN with_margin(drawn.crop, 0, coalesce(given, [0, 0, 1, 1]::DOUBLE[]))
            WHEN crop_kind = 'face' THEN
                face_square(box, width, height, $margin, coalesce(bounds, [0, 0, 1, 1]::DOUBLE[]))
            ELSE with_margin(box, coalesce($margin, 0.1), coalesce(bounds, [0, 0, 1, 1]::DOUBLE[]))
        END AS part
    FROM matched
    LEFT JOIN drawn_crops AS drawn ON drawn.detection_id = matched.face_id
),

cropped AS (
    SELECT
        *,
        NOT is_drawn AND crop_kind <> 'face' AND (part[3] - part[1]) * (part[4] - part[2]) > $max_share AS is_large
    FROM cut
    WHERE
        part[3] > part[1]
        AND part[4] > part[2]
        AND least((part[3] - part[1]) * width, (part[4] - part[2]) * height) >= $min_px - 0.5
),

pictures AS (
    SELECT *, whole AS part, NULL AS face_id, NULL AS crop_kind, NULL AS crop_number
    FROM with_kinds
    WHERE wanted_kind = 'frame'
    UNION ALL BY NAME
    SELECT * REPLACE (
        CASE WHEN is_large THEN whole ELSE part END AS part,
        CASE WHEN is_large THEN NULL ELSE face_id END AS face_id,
        CASE WHEN is_large THEN NULL ELSE crop_kind END AS crop_kind,
        CASE WHEN is_large THEN NULL ELSE crop_number END AS crop_number
    )
    FROM cropped
)

SELECT
    frame_id, folder, filename, caption, repeats, part AS crop, face_id, crop_kind, crop_number, pair,
    min(selection_row) AS selection_row
FROM pictures
GROUP BY ALL
