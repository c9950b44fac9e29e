-- Detections without those that `animeds detect` has replaced. `detections` has all of them.
--
-- If `animeds detect` was run on a frame, its boxes replace those of the ingest for every kind that the detector can
-- find, even if it found none. Of several runs, the one whose model was added to the database last is used. So every
-- frame and kind of box has the boxes of exactly one run.
CREATE OR REPLACE VIEW newest_detections AS
SELECT every.*
FROM lance_detections AS every
ANTI JOIN (
    SELECT *
    FROM (
        SELECT frame_id, kind, arg_max(model, (added_at, model)) AS model
        FROM (SELECT frame_id, model, unnest(kinds) AS kind FROM lance_detected) AS runs
        JOIN (SELECT model_id AS model, added_at FROM lance_models) AS known USING (model)
        GROUP BY frame_id, kind
    ) AS winners
    WHERE getvariable('detected_again')  -- at this level, DuckDB plans no join while it is false
) AS newest ON every.frame_id = newest.frame_id AND every.kind = newest.kind AND every.model <> newest.model;
