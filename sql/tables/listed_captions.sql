-- Captions that are the texts of their parts with a separator between them: one row per picture and variant.
--
-- pictures, style  as for captions_of(), which gives the same for a style with the form list, without
--                  keep_tokens_separator, without the parts that more_about() adds, and with each part at most once
-- gives            picture, variant, caption
--
-- DuckDB plans this in half the time, because it does not know the other forms.
CREATE OR REPLACE MACRO listed_captions(pictures, style) AS TABLE
SELECT
    picture,
    variant,
    CASE WHEN is_dropped THEN '' ELSE coalesce(joined(texts, outer_separator), '') END AS caption
FROM caption_words(pictures, style, 'nothing_more');
