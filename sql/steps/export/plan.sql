-- The plan of an export: one row per picture of the relation `selection`, in the order of decoding.
--
-- selection   the result of crops.sql or whole_frames.sql
-- gives       the columns of animeds_db.export.plan.PLAN up to selection_row, rating and time_s
--
-- Rows that are equal in all of those columns are one picture. A frame_id that is not in the database gives a row
-- without source_id, so that the export can name it in its error.
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
    frames.rating,
    frames.time_s
FROM selection AS pictures
LEFT JOIN model_frames AS frames ON frames.frame_id = pictures.frame_id
ORDER BY
    source_id NULLS FIRST, stream, pts, pictures.frame_id, folder, filename, crop_kind NULLS FIRST, crop_number,
    crop, caption, repeats
