-- What the pictures of a plan show: their tags and boxes, one row per picture, in the order of their numbers.
--
-- pictures    rows of a plan, with picture (from 0)
-- gives       picture, tags and boxes, as the columns of animeds_db.export.plan.PLAN
--
-- Boxes and tags describe the crop, not the frame: boxes are those inside the crop, relative to it, and tags that count
-- people or describe the framing are adjusted or left out. If the person in the crop has tags of their own (the view
-- `box_tags`), these are used instead of the frame's.
WITH parts AS MATERIALIZED (
    SELECT
        picture, frame_id, crop_kind, face_id,
        coalesce(crop, [0, 0, 1, 1]::DOUBLE[]) AS part
    FROM pictures
),

tagged AS (
    SELECT frame_id, tag_structs({'tag_ids': f.tags, 'scores': f.tag_scores}, f.sure_tags) AS tags
    FROM tagged_frames AS f SEMI JOIN parts USING (frame_id)
    WHERE len(f.tags) > 0
),

boxes AS (
    SELECT
        picture,
        d.detection_id,
        kind,
        character,
        (greatest(d.left, part[1]) - part[1]) / (part[3] - part[1]) AS x1,
        (greatest(d.top, part[2]) - part[2]) / (part[4] - part[2]) AS y1,
        (least(d.right, part[3]) - part[1]) / (part[3] - part[1]) AS x2,
        (least(d.bottom, part[4]) - part[2]) / (part[4] - part[2]) AS y2,
        d.score,
        in_crop(d.left, d.top, d.right, d.bottom, part) AS is_inside
    FROM identified_detections AS d
    JOIN parts USING (frame_id)
    WHERE part[3] > part[1] AND part[4] > part[2]  -- the export reports all others as errors
),

boxed AS (
    SELECT
        picture,
        list(
            {
                'detection_id': detection_id, 'kind': kind, 'character': character,
                'left': round(x1, 6), 'top': round(y1, 6), 'right': round(x2, 6), 'bottom': round(y2, 6),
                'score': round(score::DOUBLE, 4)
            }
            ORDER BY kind, detection_id
        ) FILTER (is_inside) AS boxes,
        count(*) FILTER (kind = 'face') AS n_faces_of_frame,
        count(*) FILTER (kind = 'face' AND is_inside) AS n_faces
    FROM boxes
    GROUP BY picture
),

own AS (FROM person_tags('parts'))

SELECT
    parts.picture,
    CASE
        WHEN crop_kind IS NULL THEN tagged.tags
        ELSE person_crop_tags(
            own.tags, tagged.tags, coalesce(boxed.n_faces, 0), coalesce(boxed.n_faces_of_frame, 0)
        )
    END AS tags,
    coalesce(boxed.boxes, []) AS boxes
FROM parts
LEFT JOIN tagged ON tagged.frame_id = parts.frame_id
LEFT JOIN boxed ON boxed.picture = parts.picture
LEFT JOIN own ON own.picture = parts.picture
ORDER BY parts.picture
