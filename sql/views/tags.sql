-- One row per frame and tag. score is 0…1, as the model gave it; model is the tagger's id.
CREATE OR REPLACE VIEW tags AS
SELECT
    frame_id,
    getvariable('tag_names')[tag_id] AS tag,
    getvariable('tag_categories')[tag_id] AS category,
    per_cent / 100.0 AS score,
    source_id,
    model,
    tag_id
FROM (
    SELECT frame_id, source_id, tagger AS model, unnest(tags) AS tag_id, unnest(tag_scores) AS per_cent
    FROM lance_frames
);
