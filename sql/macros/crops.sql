-- Crops for an export: left, top, right, bottom, relative to the frame (0…1).
--
--     SELECT frame_id, without_borders(border_left, border_top, border_right, border_bottom) AS crop FROM frames
--
-- without_text also cuts off the upper or lower band (0.3 of the height) if burned-in text was found in it. text_upper
-- and text_lower are the shares of the bands that text covers, 0…1.
CREATE OR REPLACE MACRO without_borders(border_left, border_top, border_right, border_bottom) AS
    [border_left::DOUBLE, border_top::DOUBLE, 1 - border_right::DOUBLE, 1 - border_bottom::DOUBLE];

CREATE OR REPLACE MACRO without_text(
    border_left, border_top, border_right, border_bottom, text_upper, text_lower, max_text := 0.02
) AS [
    border_left::DOUBLE,
    greatest(border_top::DOUBLE, CASE WHEN text_upper > max_text THEN 0.3 ELSE 0 END),
    1 - border_right::DOUBLE,
    1 - greatest(border_bottom::DOUBLE, CASE WHEN text_lower > max_text THEN 0.3 ELSE 0 END)
];

-- NULL for a crop that cuts off nothing or nearly everything. A blank frame is all border, and a measurement may be
-- missing.
CREATE OR REPLACE MACRO usable_crop(crop) AS
    list_transform(  -- so that the argument is computed once (see squares.sql)
        [crop],
        lambda c: CASE WHEN c[3] - c[1] > 0.1 AND c[4] - c[2] > 0.1 AND c <> [0, 0, 1, 1]::DOUBLE[] THEN c END
    )[1];

-- The part of a frame that remains after --trim. `cut_off` can contain 'borders' and 'subtitles'.
CREATE OR REPLACE MACRO trimmed(
    cut_off, border_left, border_top, border_right, border_bottom, text_upper, text_lower
) AS usable_crop(
    CASE
        WHEN list_contains(cut_off, 'subtitles') AND list_contains(cut_off, 'borders') THEN
            without_text(border_left, border_top, border_right, border_bottom, text_upper, text_lower)
        WHEN list_contains(cut_off, 'subtitles') THEN without_text(0, 0, 0, 0, text_upper, text_lower)
        WHEN list_contains(cut_off, 'borders') THEN
            without_borders(border_left, border_top, border_right, border_bottom)
    END
);
