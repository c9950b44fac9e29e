-- The frames with the vectors in use, which are those of the ingest. If `animeds embed --use` has chosen another
-- model, sql/layers/chosen/embedded_frames.sql replaces this view.
CREATE OR REPLACE VIEW embedded_frames AS
SELECT * FROM tagged_frames;
