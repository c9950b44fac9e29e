-- The frames with the text that `animeds read-text --ocr` read on them: where it did, its text_upper and text_lower
-- replace those that the ingest measured. Replaces sql/layers/measured_frames.sql.
CREATE OR REPLACE VIEW measured_frames AS
SELECT
    f.* REPLACE (
        coalesce(seen.text_upper, f.text_upper) AS text_upper,
        coalesce(seen.text_lower, f.text_lower) AS text_lower
    )
FROM lance_frames AS f
LEFT JOIN (
    SELECT frame_id, max(text_upper) AS text_upper, max(text_lower) AS text_lower
    FROM lance_screen_texts
    GROUP BY frame_id
) AS seen USING (frame_id);
