-- Frames worth training on: one per group of near-duplicates, and only frames that pass every quality gate. A frame
-- that a person labelled `keep` is included even if it fails a gate. Dropped frames are left out.
--
-- To use your own thresholds: SELECT * FROM kept SEMI JOIN
--     (SELECT frame_id FROM gates(min_height := 480) WHERE gate = 'passed') USING (frame_id)
CREATE OR REPLACE VIEW good AS
SELECT * FROM kept
SEMI JOIN (
    SELECT frame_id FROM gates() WHERE gate = 'passed'
    UNION ALL
    SELECT frame_id FROM frame_labels WHERE value = 'keep' AND getvariable('frames_labelled')
) AS fine USING (frame_id);
