-- The frames that the pages hide at first: one row per frame and reason.
--
-- word  copies | dropped (see `left_out`) | blank | subtitled: the frames of gates() with the gate 'blank', or with
--       'text' if every size and brightness passes
--
-- The last two are written out, because gates() reads many more columns.
CREATE OR REPLACE VIEW hidden_frames AS
SELECT frame_id, 'copies' AS word FROM left_out WHERE why = 'copy'
UNION ALL
SELECT frame_id, 'dropped' AS word FROM left_out WHERE why = 'dropped'
UNION ALL
SELECT frame_id, 'blank' AS word FROM lance_frames WHERE is_blank AND sharpness IS NOT NULL
UNION ALL
SELECT frame_id, 'subtitled' AS word
FROM lance_frames
WHERE sharpness IS NOT NULL AND is_blank IS NOT TRUE AND greatest(text_upper, text_lower) > 0.02;
