-- The quality gates, and the first gate that each frame fails. Every threshold is a parameter:
--
--     SELECT gate, count(*) FROM gates() GROUP BY gate
--     SELECT * FROM gates(min_height := 480, max_text := 1)
--
-- min_height      pixels; training guides recommend at least 720p
-- min_sharpness   variance of the Laplacian (see `sharpness` in the tables)
-- min_brightness  mean luma, 0…1: darker frames show almost nothing
-- max_brightness  mean luma, 0…1: brighter frames are white flashes
-- max_text        share of the upper or lower band that burned-in text may cover, 0…1
-- max_border      share of the width or height that a border may take, 0…1
--
-- gate is 'passed', or the first of: unmeasured, blank, small, dark, bright, blurred, text, border.
CREATE OR REPLACE MACRO gates(
    min_height := 720,
    min_sharpness := 50,
    min_brightness := 0.06,
    max_brightness := 0.97,
    max_text := 0.02,
    max_border := 0.02
) AS TABLE
SELECT
    frame_id,
    source_id,
    CASE
        WHEN sharpness IS NULL THEN 'unmeasured'
        WHEN is_blank THEN 'blank'
        WHEN height < min_height THEN 'small'
        WHEN brightness < min_brightness THEN 'dark'
        WHEN brightness > max_brightness THEN 'bright'
        WHEN sharpness < min_sharpness THEN 'blurred'
        WHEN greatest(text_upper, text_lower) > max_text THEN 'text'
        WHEN greatest(border_left, border_top, border_right, border_bottom) > max_border THEN 'border'
        ELSE 'passed'
    END AS gate
FROM lance_frames;
