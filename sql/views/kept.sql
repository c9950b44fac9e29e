-- One frame per group of near-duplicates, and every frame that is like no other. Nothing is deleted.
-- A frame that people want to keep stays also as a copy; one that they dropped is not here.
CREATE OR REPLACE VIEW kept AS
SELECT * FROM frames
ANTI JOIN (
    SELECT frame_id FROM lance_duplicates
    ANTI JOIN (
        SELECT frame_id FROM frame_labels WHERE value = 'keep' AND getvariable('frames_labelled')
    ) AS wanted USING (frame_id)
    WHERE NOT keeper
    UNION ALL
    SELECT frame_id FROM frame_labels WHERE value = 'drop' AND getvariable('frames_labelled')
) AS left_out USING (frame_id);
