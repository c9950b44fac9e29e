-- The answers of classifiers as columns: one row per frame that any of them has seen.
--
--     SELECT frame_id FROM frame_classes WHERE style = 'bangumi' AND aesthetic_percentile > 0.5
--
-- rating, style, portrait, real, ai, monochrome, completeness, style_age are labels. aesthetic is 0…6, aesthetic_label
-- its word and aesthetic_percentile the share of pictures that are worse, 0…1. NULL: no such model has seen the frame.
-- classes are all of them, as 'style:comic'. Of several models about one thing, the one that was added last decides.
CREATE OR REPLACE VIEW frame_classes AS
SELECT
    frame_id,
    any_value(source_id) AS source_id,
    any_value(label) FILTER (about = 'rating') AS rating,
    any_value(label) FILTER (about = 'style') AS style,
    any_value(label) FILTER (about = 'portrait') AS portrait,
    any_value(label) FILTER (about = 'real') AS real,
    any_value(label) FILTER (about = 'ai') AS ai,
    any_value(label) FILTER (about = 'monochrome') AS monochrome,
    any_value(label) FILTER (about = 'completeness') AS completeness,
    any_value(label) FILTER (about = 'style_age') AS style_age,
    any_value(value) FILTER (about = 'aesthetic') AS aesthetic,
    any_value(label) FILTER (about = 'aesthetic') AS aesthetic_label,
    any_value(percentile) FILTER (about = 'aesthetic') AS aesthetic_percentile,
    list(about || ':' || label ORDER BY about) AS classes
FROM used_classifications
GROUP BY frame_id;
