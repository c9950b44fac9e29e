-- The tags of pictures as numbers: one row per picture and tag.
--
-- pictures   name of a relation with the columns of described()
-- gives      picture, tag_number (from 1, in the order of the tagger or sidecar), tag_key (see tag_names), score (0…1),
--            counts (it reaches the tagger's own threshold)
--
-- No row has the name of a tag, because texts take many times as long to compare and to copy. tag_names has each name
-- once.
CREATE OR REPLACE MACRO tag_rows(pictures) AS TABLE
WITH stored AS (
    SELECT
        picture,
        unnest(f.tags) AS tag_id,
        unnest(f.tag_scores) AS thousandths,
        unnest(list_transform(f.tags, lambda tag: list_contains(f.sure_tags, tag))) AS counts,
        generate_subscripts(f.tags, 1) AS tag_number
    FROM query_table(pictures) AS p
    JOIN tagged_frames AS f USING (frame_id)
    WHERE p.picture_tags IS NULL
),

given AS (
    SELECT picture, unnest(picture_tags) AS one, generate_subscripts(picture_tags, 1) AS tag_number
    FROM query_table(pictures)
)

-- scores are whole thousandths and may come as float32: 0.35 must not fall below 0.35
SELECT
    picture, tag_number, tag_id::BIGINT AS tag_key, round(thousandths / 1000.0, 4)::DOUBLE AS score, counts
FROM stored
UNION ALL
SELECT picture, tag_number, given_tag_key(one.tag, one.category), round(one.score, 4)::DOUBLE, one.counts
FROM given;
