-- Frames worth training on: one per group of near-duplicates, and past every quality gate. What people want to
-- keep is here whatever the gates say; what they dropped is not.
--
-- With thresholds of your own: SELECT * FROM kept SEMI JOIN
--     (SELECT frame_id FROM gates(min_height := 480) WHERE gate = 'passed') USING (frame_id)
CREATE OR REPLACE VIEW good AS
SELECT * FROM kept
SEMI JOIN (
    SELECT frame_id FROM gates() WHERE gate = 'passed'
    UNION ALL
    SELECT frame_id FROM frame_labels WHERE value = 'keep' AND getvariable('frames_labelled')
) AS fine USING (frame_id);
