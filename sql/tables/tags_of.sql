-- The tags of pictures, with everything that captions need: one row per picture and tag.
--
-- pictures   name of a relation with the columns of described()
-- gives      picture, key, tag, category, score, counts (it reaches the tagger's own threshold), tag_number (from 1, in
--            the order of the tagger or sidecar), kind (people, hair, eyes, outfit, other)
--
-- Names and kinds are looked up once per tag, not once per row.
CREATE OR REPLACE MACRO tags_of(pictures) AS TABLE
WITH stored AS (
    SELECT
        picture, key,
        unnest(f.tags) AS tag_id,
        unnest(f.tag_scores) AS thousandths,
        unnest(list_transform(f.tags, lambda tag: list_contains(f.sure_tags, tag))) AS counts,
        generate_subscripts(f.tags, 1) AS tag_number
    FROM query_table(pictures) AS p
    JOIN tagged_frames AS f USING (frame_id)
    WHERE p.picture_tags IS NULL
),

given AS (
    SELECT
        picture, key, replace(one.tag, ' ', '_') AS tag, one.category, one.score, one.counts, tag_number
    FROM (
        SELECT picture, key, unnest(picture_tags) AS one, generate_subscripts(picture_tags, 1) AS tag_number
        FROM query_table(pictures)
    )
)

-- scores are whole thousandths and may come as float32: 0.35 must not fall below 0.35
SELECT
    picture, key, v.tag, v.category, round(thousandths / 1000.0, 4)::DOUBLE AS score, counts, tag_number, v.kind
FROM stored
JOIN (SELECT tag_id, tag, category, kind_of_tag(tag) AS kind FROM vocabulary) AS v USING (tag_id)
UNION ALL
SELECT picture, key, tag, category, round(score, 4)::DOUBLE, counts, tag_number, kind
FROM given
JOIN (SELECT tag, kind_of_tag(tag) AS kind FROM (SELECT DISTINCT tag FROM given)) AS known USING (tag);
