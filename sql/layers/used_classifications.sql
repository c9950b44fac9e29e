-- What classifiers say about frames, one row per frame and thing that is decided (about): of several models, the one
-- that was added to the database last.
CREATE OR REPLACE VIEW used_classifications AS
SELECT c.*
FROM lance_classifications AS c
JOIN lance_models AS m ON m.model_id = c.model
WHERE getvariable('classified')  -- at this level, DuckDB plans no join while it is false
QUALIFY 1 = row_number() OVER (PARTITION BY c.frame_id, c.about ORDER BY m.added_at DESC, c.model);
