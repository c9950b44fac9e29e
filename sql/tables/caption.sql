-- The rows of a relation with the column frame_id, with a caption for each.
--
--     SELECT frame_id, caption FROM caption('kept')
--     WITH mine AS (SELECT * REPLACE ('waifu' AS activation_tag) FROM default_style)
--     SELECT frame_id, caption FROM caption('kept', style := 'mine')
--
-- A row with a face_id is captioned with the tags of that person, if the boxes of people are tagged (see box_tags).
-- Several variants are separated by line breaks.
CREATE OR REPLACE MACRO caption(pictures, style := 'default_style') AS TABLE
WITH numbered AS MATERIALIZED (
    SELECT row_number() OVER () AS picture, * FROM query_table(pictures)
),

shown AS (
    SELECT COLUMNS(lambda c: lower(c) IN ('picture', 'frame_id', 'face_id', 'crop', 'crop_kind')) FROM numbered
    UNION ALL BY NAME
    SELECT NULL::VARCHAR AS face_id
    WHERE false
),

captioned AS (
    SELECT shown.*, person_crop_tags(own.tags, NULL, 1, 1) AS picture_tags
    FROM shown
    LEFT JOIN person_tags('shown') AS own USING (picture)
),

made AS (
    SELECT picture, string_agg(caption, chr(10) ORDER BY variant) AS made_caption
    FROM captions_of('captioned', style)
    GROUP BY picture
)

SELECT
    COLUMNS(lambda c: c NOT IN ('picture', 'caption', 'made_caption')),
    made_caption AS caption
FROM numbered JOIN made USING (picture);
