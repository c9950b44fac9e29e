-- Frames that `kept` leaves out, with the reason: one row per frame and reason.
--
-- why  copy (a near-duplicate that is not its group's keeper) | dropped (a person dropped it)
-- A near-duplicate that a person labelled `keep` is not listed.
CREATE OR REPLACE VIEW left_out AS
SELECT frame_id, 'copy' AS why
FROM lance_duplicates
ANTI JOIN (
    SELECT frame_id FROM frame_labels WHERE value = 'keep' AND getvariable('frames_labelled')
) AS wanted USING (frame_id)
WHERE NOT keeper
UNION ALL
SELECT frame_id, 'dropped' AS why FROM frame_labels WHERE value = 'drop' AND getvariable('frames_labelled');
