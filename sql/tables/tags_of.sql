-- The tags of pictures, with everything that captions need: one row per picture and tag.
--
-- pictures   name of a relation with the columns of described()
-- gives      picture, key, tag, category, score, counts (it reaches the tagger's own threshold), tag_number (from 1, in
--            the order of the tagger or sidecar), kind (people, hair, eyes, outfit, other)
--
-- The kind is computed once per tag, not once per row.
CREATE OR REPLACE MACRO tags_of(pictures) AS TABLE
WITH numbered AS (
    SELECT
        picture, key, vocabulary.tag, vocabulary.category, thousandths / 1000.0 AS score,
        list_contains(sure_tags, tag_id) AS counts, tag_number
    FROM (
        SELECT
            picture, key, f.sure_tags, unnest(f.tags) AS tag_id, unnest(f.tag_scores) AS thousandths,
            generate_subscripts(f.tags, 1) AS tag_number
        FROM query_table(pictures) AS p
        JOIN tagged_frames AS f USING (frame_id)
        WHERE p.picture_tags IS NULL
    )
    JOIN vocabulary USING (tag_id)
    UNION ALL
    SELECT picture, key, replace(given.tag, ' ', '_'), given.category, given.score, given.counts, tag_number
    FROM (
        SELECT picture, key, unnest(picture_tags) AS given, generate_subscripts(picture_tags, 1) AS tag_number
        FROM query_table(pictures)
    )
),

known AS (
    SELECT
        tag,
        CASE
            WHEN is_people_tag(tag) THEN 'people'
            WHEN is_hair_tag(tag) THEN 'hair'
            WHEN is_eye_tag(tag) THEN 'eyes'
            WHEN is_outfit_tag(tag) THEN 'outfit'
            ELSE 'other'
        END AS kind
    FROM (SELECT DISTINCT tag FROM numbered)
)

-- scores are whole thousandths and may come as float32: 0.35 must not fall below 0.35
SELECT picture, key, tag, category, round(score, 4)::DOUBLE AS score, counts, tag_number, kind
FROM numbered JOIN known USING (tag);
