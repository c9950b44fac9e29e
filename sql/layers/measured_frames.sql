-- The frames as the ingest measured them. If text was read on frames, sql/layers/chosen/measured_frames.sql replaces
-- this view.
CREATE OR REPLACE VIEW measured_frames AS
SELECT * FROM lance_frames;
