-- The frames with the vectors that count: those of the ingest. Where `animeds embed --use` has chosen another
-- model, sql/layers/chosen/embedded_frames.sql stands in for this.
CREATE OR REPLACE VIEW embedded_frames AS
SELECT * FROM tagged_frames;
