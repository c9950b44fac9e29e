-- The pictures of an export without crops of boxes: one row per picture of the relation `selection`.
--
-- The result is that of crops.sql with $kinds = [] for a selection without ids of boxes. It takes a tenth of the time.
--
-- selection  as for crops.sql
-- $trim      what to remove from the frames: borders, subtitles
-- gives      the columns of crops.sql
SELECT
    frame_id, folder, filename, caption, repeats,
    whole AS crop,
    NULL::VARCHAR AS face_id,
    NULL::VARCHAR AS crop_kind,
    NULL::INTEGER AS crop_number,
    pair,
    min(selection_row) AS selection_row
FROM framed_pictures('selection', $trim)
GROUP BY ALL
