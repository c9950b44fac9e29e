-- The pictures to export (see wanted_pictures), with the part of the frame that each may show.
--
-- selection  name of a relation, as for wanted_pictures()
-- removed    what to remove before cropping: a list of borders, subtitles
-- gives      the columns of wanted_pictures(), width and height of the frame in pixels, bounds (the crop of the
--            selection, or the frame without what is removed), and whole (the same, unless a person drew a crop of the
--            whole frame); both left, top, right, bottom, 0…1, or NULL: all of the frame
CREATE OR REPLACE MACRO framed_pictures(selection, removed) AS TABLE
SELECT
    wanted.*,
    f.width,
    f.height,
    coalesce(
        given, trimmed(removed, border_left, border_top, border_right, border_bottom, text_upper, text_lower)
    ) AS bounds,
    coalesce(given, drawn.crop, bounds) AS whole
FROM wanted_pictures(selection) AS wanted
LEFT JOIN measured_frames AS f ON f.frame_id = wanted.frame_id
LEFT JOIN drawn_crops AS drawn ON drawn.frame_id = wanted.frame_id AND drawn.kind IS NULL;
