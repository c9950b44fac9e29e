-- Detections without those that `animeds detect` has superseded; `detections` has them all.
--
-- Where detectors were run again over a frame, that run counts for every kind it can find (also where it
-- found nothing), and not the ingest; of several such runs the one whose model came into the database last.
-- Every frame and kind of box thus has the boxes of one run, and nothing is there twice.
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
    WHERE getvariable('detected_again')  -- out here: while it is false, DuckDB plans no join at all
) AS newest ON every.frame_id = newest.frame_id AND every.kind = newest.kind AND every.model <> newest.model;
