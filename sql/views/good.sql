-- Frames worth training on: one per group of near-duplicates, and past every quality gate.
--
-- With thresholds of your own: SELECT * FROM kept SEMI JOIN
--     (SELECT frame_id FROM gates(min_height := 480) WHERE gate = 'passed') USING (frame_id)
CREATE OR REPLACE VIEW good AS
SELECT * FROM kept
SEMI JOIN (SELECT frame_id FROM gates() WHERE gate = 'passed') AS fine USING (frame_id);
