-- Rows in `detected` with another number of boxes than there are in `detections`: detected_id, source_id.
CREATE OR REPLACE TEMP TABLE wrong_box_counts AS
SELECT detected_id, source_id
FROM detected
LEFT JOIN (SELECT frame_id, model, count(*) AS n FROM detections GROUP BY frame_id, model) USING (frame_id, model)
WHERE n_found IS DISTINCT FROM coalesce(n, 0);
