-- The plan of an export: one row per picture of the relation `selection`, in the order of decoding.
--
-- selection   the result of crops.sql
-- gives       exactly the columns of animeds_db.export.plan.PLAN
--
-- Rows that are equal in all of those columns are one picture. A frame_id that is not in the database gives a row
-- without source_id, so that the export can name it in its error.
--
-- Boxes and tags describe the crop, not the frame: boxes are those inside the crop, relative to it, and tags that count
-- people or describe the framing are adjusted or left out. If the person in the crop has tags of their own (the view
-- `box_tags`), these are used instead of the frame's.

WITH pictures AS MATERIALIZED (
    SELECT
        *,
        row_number() OVER () AS picture,
        coalesce(crop, [0, 0, 1, 1]::DOUBLE[]) AS part
    FROM selection
),

tagged AS (
    SELECT frame_id, tag_structs(all_scores, tag_ids) AS tags
    FROM frames SEMI JOIN pictures USING (frame_id)
    WHERE len(all_scores.tag_ids) > 0
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
    JOIN pictures USING (frame_id)
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

own AS (FROM person_tags('pictures'))

SELECT
    pictures.frame_id::VARCHAR AS frame_id,
    frames.source_id,
    frames.stream,
    frames.pts,
    frames.key_pts,
    frames.member,
    frames.content_hash,
    pictures.folder::VARCHAR AS folder,
    pictures.filename::VARCHAR AS filename,
    pictures.caption::VARCHAR AS caption,
    pictures.repeats::BIGINT AS repeats,
    NULL::DOUBLE AS multiply,
    pictures.crop::DOUBLE[] AS crop,
    pictures.crop_kind,
    pictures.crop_number,
    pictures.face_id,
    pictures.selection_row,
    CASE
        WHEN crop_kind IS NULL THEN tagged.tags
        ELSE person_crop_tags(
            own.tags, tagged.tags, coalesce(boxed.n_faces, 0), coalesce(boxed.n_faces_of_frame, 0)
        )
    END AS tags,
    coalesce(boxed.boxes, []) AS boxes,
    frames.rating,
    frames.time_s,
    NULL::VARCHAR AS caption_profile,
    map([]::VARCHAR[], []::VARCHAR[]) AS documents
FROM pictures
LEFT JOIN frames ON frames.frame_id = pictures.frame_id
LEFT JOIN tagged ON tagged.frame_id = pictures.frame_id
LEFT JOIN boxed ON boxed.picture = pictures.picture
LEFT JOIN own ON own.picture = pictures.picture
ORDER BY
    source_id NULLS FIRST, stream, pts, pictures.frame_id, folder, filename, crop_kind NULLS FIRST, crop_number,
    crop, caption, repeats
