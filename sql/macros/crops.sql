-- Crops that an export can apply: left, top, right, bottom, relative to the frame (0…1).
--
--     SELECT frame_id, without_borders(border_left, border_top, border_right, border_bottom) AS crop FROM frames
--
-- without_text also leaves out the band (0.3 of the height) in which burned-in text was found; text_upper and
-- text_lower are the shares of those bands that it covers, 0…1.
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
