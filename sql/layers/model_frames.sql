-- The frames with the tags of the tagger in use, which is that of the ingest, without people's corrections. If
-- `animeds tag --use` has chosen another tagger, sql/layers/chosen/model_frames.sql replaces this view.
CREATE OR REPLACE VIEW model_frames AS
SELECT * FROM measured_frames;
