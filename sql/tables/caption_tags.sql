-- The tags that get into captions, in their order: one row per picture, variant and tag.
--
-- tags, pictures, style    names of relations: tags_of(pictures), described(), and one row like default_style
-- gives                    picture, variant (from 1), tag_number (from 1), tag, words (the tag as it is written), kind,
--                          tag_group (see tag_group())
CREATE OR REPLACE MACRO caption_tags(tags, pictures, style) AS TABLE
SELECT
    picture, variant, generate_subscripts(chosen, 1) AS tag_number, unnest(chosen, recursive := true)
FROM chosen_tags(tags, pictures, style);
