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
-- min_aesthetic   percentile of the aesthetic score, 0…1; frames without a score pass
-- unwanted        answers of classifiers that a frame must not have: ['style:comic', 'monochrome:monochrome']
--
-- gate is 'passed', or the first of: unmeasured, blank, small, dark, bright, blurred, text, border, class, aesthetic.
CREATE OR REPLACE MACRO gates(
    min_height := 720,
    min_sharpness := 50,
    min_brightness := 0.06,
    max_brightness := 0.97,
    max_text := 0.02,
    max_border := 0.02,
    min_aesthetic := 0,
    unwanted := []::VARCHAR[]
) AS TABLE
SELECT
    f.frame_id,
    f.source_id,
    CASE
        WHEN sharpness IS NULL THEN 'unmeasured'
        WHEN is_blank THEN 'blank'
        WHEN height < min_height THEN 'small'
        WHEN brightness < min_brightness THEN 'dark'
        WHEN brightness > max_brightness THEN 'bright'
        WHEN sharpness < min_sharpness THEN 'blurred'
        WHEN greatest(text_upper, text_lower) > max_text THEN 'text'
        WHEN greatest(border_left, border_top, border_right, border_bottom) > max_border THEN 'border'
        WHEN list_has_any(seen.classes, unwanted) THEN 'class'
        WHEN seen.percentile < min_aesthetic THEN 'aesthetic'
        ELSE 'passed'
    END AS gate
FROM lance_frames AS f
LEFT JOIN (
    SELECT
        frame_id,
        list(about || ':' || label) AS classes,
        any_value(percentile) FILTER (about = 'aesthetic') AS percentile
    FROM used_classifications
    GROUP BY frame_id
) AS seen ON seen.frame_id = f.frame_id;
