-- The frames with the tags of the tagger that counts: that of the ingest, before people's corrections. Where
-- `animeds tag --use` has chosen another tagger, sql/layers/chosen/model_frames.sql stands in for this.
CREATE OR REPLACE VIEW model_frames AS
SELECT * FROM lance_frames;
