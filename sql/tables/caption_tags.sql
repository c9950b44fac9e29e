-- The tags that get into captions, in their order: one row per picture, variant and tag.
--
-- pictures, style  names of relations: one with the columns of described(), and one row like default_style
-- gives            picture, variant (from 1), tag_number (from 1), tag, words (the tag as it is written), kind,
--                  tag_group (see tag_group())
CREATE OR REPLACE MACRO caption_tags(pictures, style) AS TABLE
WITH shown AS MATERIALIZED (FROM query_table(pictures)),

numbers AS MATERIALIZED (FROM tag_rows('shown')),

named_tags AS MATERIALIZED (FROM tag_names('numbers', 'shown')),

allowed AS MATERIALIZED (FROM allowed_tags('named_tags', style)),

listed AS (
    SELECT picture, variant, generate_subscripts(places, 1) AS tag_number, unnest(places) AS place
    FROM chosen_tags('numbers', 'named_tags', 'allowed', 'shown', style)
)

SELECT picture, variant, tag_number, tag, words, kind, tag_group
FROM listed
JOIN allowed USING (place);
