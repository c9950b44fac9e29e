-- Masks that follow from what is known about frames: text and borders. A mask is a whole rectangle, shape is NULL.
--
-- part  text: the boxes of text that was read (`animeds read-text --ocr`); of frames that were not read, the upper or
--       lower band if burned-in text covers more than 2 % of it (see gates)
--       border: the uniform edges of a frame, such as black bars
CREATE OR REPLACE VIEW measured_masks AS
WITH measured AS (
    SELECT
        frame_id, source_id, "show", season, episode, border_left, border_top, border_right, border_bottom,
        CASE WHEN frame_id NOT IN (SELECT frame_id FROM lance_screen_texts) THEN text_upper END AS text_upper,
        CASE WHEN frame_id NOT IN (SELECT frame_id FROM lance_screen_texts) THEN text_lower END AS text_lower
    FROM lance_frames
),

rectangles AS (
    SELECT
        *,
        unnest([
            {'name': 'border_left', 'depth': border_left, 'edges': [0, 0, border_left, 1]},
            {'name': 'border_top', 'depth': border_top, 'edges': [0, 0, 1, border_top]},
            {'name': 'border_right', 'depth': border_right, 'edges': [1 - border_right, 0, 1, 1]},
            {'name': 'border_bottom', 'depth': border_bottom, 'edges': [0, 1 - border_bottom, 1, 1]},
            {'name': 'text_upper', 'depth': text_upper - 0.02, 'edges': [0, 0, 1, 0.3]},
            {'name': 'text_lower', 'depth': text_lower - 0.02, 'edges': [0, 0.7, 1, 1]}
        ]::STRUCT("name" VARCHAR, depth FLOAT, edges FLOAT[])[]) AS rectangle
    FROM measured
)

SELECT
    frame_id || '/' || rectangle.name AS mask_id,
    frame_id, source_id, "show", season, episode,
    split_part(rectangle.name, '_', 1) AS part,
    NULL AS model,
    rectangle.edges[1] AS "left",
    rectangle.edges[2] AS top,
    rectangle.edges[3] AS "right",
    rectangle.edges[4] AS bottom
FROM rectangles
WHERE rectangle.depth > 0
UNION ALL
SELECT
    frame_id || '/text' || place, frame_id, source_id, "show", season, episode, 'text', model,
    "left", top, "right", bottom
FROM screen_texts;
