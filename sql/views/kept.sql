-- One frame per group of near-duplicates, and every frame that is like no other. Nothing is deleted.
-- A frame that people want to keep stays also as a copy; one that they dropped is not here.
--
--     SELECT frame_id FROM kept
--     SELECT frame_id FROM kept_frames(copies := true)  -- with near-duplicates
--
-- copies   also near-duplicates
-- dropped  also frames that people dropped
CREATE OR REPLACE MACRO kept_frames(copies := false, dropped := false) AS TABLE
SELECT * FROM frames
ANTI JOIN (
    SELECT frame_id FROM left_out WHERE NOT CASE why WHEN 'copy' THEN copies ELSE dropped END
) AS others USING (frame_id);

CREATE OR REPLACE VIEW kept AS
SELECT * FROM kept_frames();
