-- One frame per group of near-duplicates, and every frame that has no near-duplicate. Nothing is deleted.
-- A near-duplicate that a person labelled `keep` is included. A frame that a person dropped is left out.
--
--     SELECT frame_id FROM kept
--     SELECT frame_id FROM kept_frames(copies := true)  -- with near-duplicates
--
-- copies   include near-duplicates
-- dropped  include frames that people dropped
CREATE OR REPLACE MACRO kept_frames(copies := false, dropped := false) AS TABLE
SELECT * FROM frames
ANTI JOIN (
    SELECT frame_id FROM left_out WHERE NOT CASE why WHEN 'copy' THEN copies ELSE dropped END
) AS others USING (frame_id);

CREATE OR REPLACE VIEW kept AS
SELECT * FROM kept_frames();
