-- Rows that are missing or superfluous when the tables of a database are compared: one row per kind of gap and source.
--
-- gap        the kind of gap, a key of WORDS in upkeep/comparing.py
-- source_id  the source with this gap
-- n          number of rows that are missing, or that belong to nothing
--
-- Missing frames and boxes are no gap in a source that is not finished. A damaged source has only the gap 'waiting'.
WITH finished AS (
    SELECT source_id, n_frames FROM sources WHERE state = 'done'
),

waiting AS (
    SELECT source_id FROM sources WHERE state = 'damaged'
),

frames_per_source AS (
    SELECT source_id, count(*) AS n FROM frames GROUP BY source_id
),

missing_frames AS (
    SELECT source_id, n_frames - coalesce(n, 0) AS n
    FROM finished LEFT JOIN frames_per_source USING (source_id)
    WHERE n_frames IS DISTINCT FROM coalesce(n, 0)
),

missing_thumbnails AS (
    SELECT source_id, count(*) AS n
    FROM frames ANTI JOIN thumbnails USING (frame_id) ANTI JOIN waiting USING (source_id)
    GROUP BY source_id
),

detections_without_frame AS (
    SELECT source_id, count(*) AS n
    FROM detections SEMI JOIN finished USING (source_id) ANTI JOIN frames USING (frame_id)
    GROUP BY source_id
),

frames_without_source AS (
    SELECT source_id, count(*) AS n FROM frames ANTI JOIN sources USING (source_id) GROUP BY source_id
),

lost_tags AS (
    SELECT source_id, count(*) AS n
    FROM (SELECT source_id, unnest(tags) AS tag_id FROM frames) ANTI JOIN vocabulary USING (tag_id)
    ANTI JOIN waiting USING (source_id)
    GROUP BY source_id
),

lost_models AS (
    SELECT source_id, count(*) AS n
    FROM (SELECT source_id, unnest(models) AS model_id FROM sources) ANTI JOIN models USING (model_id)
    WHERE source_id IN (SELECT source_id FROM finished)
    GROUP BY source_id
),

lost_boxes AS (
    SELECT source_id, count(*) AS n FROM wrong_box_counts GROUP BY source_id
),

rerun_lost_tags AS (
    SELECT source_id, count(*) AS n FROM taggings_with_lost_tags GROUP BY source_id
),

boxes_lost_tags AS (
    SELECT source_id, count(*) AS n FROM box_tags_with_lost_tags GROUP BY source_id
)

SELECT 'waiting' AS gap, source_id, 1 AS n FROM waiting
UNION ALL
SELECT 'frames' AS gap, source_id, n FROM missing_frames
UNION ALL
SELECT 'thumbnails', source_id, n FROM missing_thumbnails
UNION ALL
SELECT 'detections without frame', source_id, n FROM detections_without_frame
UNION ALL
SELECT 'frames without source', source_id, n FROM frames_without_source
UNION ALL
SELECT 'tags', source_id, n FROM lost_tags
UNION ALL
SELECT 'models', source_id, n FROM lost_models
UNION ALL
SELECT 'boxes of a rerun', source_id, n FROM lost_boxes
UNION ALL
SELECT 'tags of a rerun', source_id, n FROM rerun_lost_tags
UNION ALL
SELECT 'tags of boxes', source_id, n FROM boxes_lost_tags
ORDER BY 1, 2;
