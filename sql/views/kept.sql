-- One frame per group of near-duplicates, and every frame that is like no other. Nothing is deleted.
CREATE OR REPLACE VIEW kept AS
SELECT * FROM frames
ANTI JOIN (SELECT frame_id FROM lance_duplicates WHERE NOT keeper) AS copies USING (frame_id);
