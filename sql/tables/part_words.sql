-- The words of each caption part except `tags`: one row per picture.
--
-- facts, rows, tag_list, style  names of relations: described(), tag_rows() and tag_names() of it, and one row
--                               like default_style
-- gives                         picture, key, the facts for a sentence, and for each part a text or a list of texts:
--                               NULL or empty if the part has nothing to add
CREATE OR REPLACE MACRO part_words(facts, rows, tag_list, style) AS TABLE
WITH style AS (FROM query_table(style))

SELECT
    facts.picture,
    facts.key,
    facts.image_type,
    facts.n_people,
    facts.n_girls,
    facts.n_boys,
    in_words(
        CASE
            WHEN len("cast") > 0 THEN list_transform(
                "cast", lambda who: concat_ws(character_inner_separator, who.character, who.appearance)
            )
            WHEN characters_from_tags THEN coalesce(character_tags, [])
            ELSE []
        END,
        underscores, escape_brackets
    ) AS characters,
    in_words(
        CASE WHEN len(copyright_tags) > 0 THEN copyright_tags WHEN facts.show <> '' THEN [facts.show] ELSE [] END,
        underscores, escape_brackets
    ) AS copyright,
    in_words(coalesce(artist_tags, []), underscores, escape_brackets) AS artist,
    in_words(
        list_filter([image_types[image_type], image_type], lambda t: t <> '')[:1], underscores, escape_brackets
    )[1] AS image_type_text,
    CASE WHEN list_contains(ratings, rating) THEN coalesce(rating_words[rating], rating) END AS rating,
    CASE WHEN crop_kind <> '' THEN crop_kind || ' cropped' END AS crop_text,
    list_transform(
        faces,
        lambda f: CASE
            WHEN face_words = 'seed' THEN face_words(f.left, f.top, f.right, f.bottom)
            ELSE face_place(f.left, f.right)
        END
    ) AS faces,
    in_words(quality_tags, underscores, escape_brackets) AS quality_tags
FROM query_table(facts) AS facts
CROSS JOIN style
LEFT JOIN part_tags(rows, tag_list, style) AS named ON named.picture = facts.picture;
