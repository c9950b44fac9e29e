-- The frames with the tags that count: those of the ingest. Where `animeds tag --use` has chosen another
-- tagger, sql/steps/tagged_frames.sql stands in for this.
CREATE OR REPLACE VIEW tagged_frames AS
SELECT * FROM lance_frames;
