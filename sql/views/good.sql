-- Frames worth training on: one per group of near-duplicates, and only frames that pass every quality gate. A frame
-- that a person labelled `keep` is included even if it fails a gate. Dropped frames are left out.
--
--     SELECT frame_id FROM good
--     SELECT frame_id FROM good_frames(copies := true)  -- with near-duplicates
--
-- To use your own thresholds: SELECT * FROM kept SEMI JOIN
--     (SELECT frame_id FROM gates(min_height := 480) WHERE gate = 'passed') USING (frame_id)
--
-- copies, dropped  as of kept_frames; fine_frames() has the frame_id of what passes, copies and dropped frames too
CREATE OR REPLACE MACRO fine_frames() AS TABLE
SELECT frame_id FROM gates() WHERE gate = 'passed'
UNION
SELECT frame_id FROM frame_labels WHERE value = 'keep' AND getvariable('frames_labelled');

CREATE OR REPLACE MACRO good_frames(copies := false, dropped := false) AS TABLE
SELECT * FROM kept_frames(copies := copies, dropped := dropped)
SEMI JOIN (FROM fine_frames()) AS fine USING (frame_id);

CREATE OR REPLACE VIEW good AS
SELECT * FROM good_frames();
