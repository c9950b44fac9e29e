-- The words of captions, before a style's form makes one text of them: one row per picture and variant.
--
-- pictures, style, more  as for captions_of()
-- gives                  picture, variant, the columns of the style, the facts for a sentence, activation, chosen (the
--                        tags of the caption: [{tag, words, kind, tag_group}]), is_dropped (the caption is empty),
--                        present (the parts that it has) and texts (the text of each of them; NULL or empty: it has
--                        nothing to add)
CREATE OR REPLACE MACRO caption_words(pictures, style, more) AS TABLE
WITH facts AS MATERIALIZED (
    FROM described(pictures, (SELECT thresholds['general'] FROM query_table(style)))
),

picture_tag_rows AS MATERIALIZED (FROM tag_rows('facts')),

named_tags AS MATERIALIZED (FROM tag_names('picture_tag_rows', 'facts')),

allowed AS MATERIALIZED (FROM allowed_tags('named_tags', style)),

by_place AS (
    SELECT list({'tag': tag, 'words': words, 'kind': kind, 'tag_group': tag_group} ORDER BY place) AS entries
    FROM allowed
),

words AS (FROM part_words('facts', 'picture_tag_rows', 'named_tags', style)),

drawn AS (
    SELECT
        parts.*,
        coalesce(
            CASE
                -- A tag that a clause gives to one person is not repeated for the whole picture.
                WHEN more.moved_tags IS NOT NULL THEN list_filter(
                    list_select(entries, places), lambda t: NOT list_contains(more.moved_tags, t.tag)
                )
                ELSE list_select(entries, places)
            END,
            []
        ) AS chosen,
        coalesce(quality_tags, list_filter([more.quality], lambda word: word <> '')) AS quality_words,
        more.description,
        more.positions,
        coalesce(more.elements, []) AS elements
    FROM drawn_parts('words', style) AS parts
    CROSS JOIN by_place
    LEFT JOIN chosen_tags('picture_tag_rows', 'named_tags', 'allowed', 'facts', style) AS chosen ON
        chosen.picture = parts.picture AND chosen.variant = parts.variant
    LEFT JOIN query_table(more) AS more ON more.picture = parts.picture AND more.variant = parts.variant
),

-- Lists are joined before the lambda below, which would copy them.
spoken AS (
    SELECT
        *,
        joined(activation, inner_separator) AS activation_text,
        joined(characters, character_separator) AS characters_text,
        joined(copyright, ' ') AS copyright_text,
        joined(artist, ' ') AS artist_text,
        joined(quality_words, inner_separator) AS quality_text,
        CASE
            WHEN list_contains(present, 'faces')
                THEN joined(faces, CASE face_words WHEN 'seed' THEN ' ' ELSE inner_separator END)
        END AS faces_text,
        CASE
            WHEN list_contains(present, 'people_tags') THEN joined(words_of_kinds(chosen, ['people']), inner_separator)
        END AS people_text,
        CASE
            WHEN list_contains(present, 'tags') AND list_contains(parts, 'people_tags')
                THEN joined(words_of_kinds(chosen, ['hair', 'eyes', 'outfit', 'other']), inner_separator)
            WHEN list_contains(present, 'tags') THEN joined(list_transform(chosen, lambda t: t.words), inner_separator)
        END AS tags_text,
        CASE
            WHEN n_people = 1 THEN '1person'
            WHEN n_people BETWEEN 2 AND 5 THEN n_people || 'people'
            WHEN n_people > 5 THEN 'manypeople'
        END AS people_count
    FROM drawn
)

SELECT
    *,
    list_transform(
        present,
        lambda part: coalesce(prefixes[part], '') || nullif(CASE part
            WHEN 'activation' THEN activation_text
            WHEN 'people' THEN people_count
            WHEN 'characters' THEN characters_text
            WHEN 'copyright' THEN copyright_text
            WHEN 'general' THEN general
            WHEN 'image_type' THEN image_type_text
            WHEN 'artist' THEN artist_text
            WHEN 'rating' THEN rating
            WHEN 'crop' THEN crop_text
            WHEN 'faces' THEN faces_text
            WHEN 'people_tags' THEN people_text
            WHEN 'quality' THEN quality_text
            WHEN 'description' THEN description
            WHEN 'positions' THEN positions
            WHEN 'tags' THEN tags_text
        END, '')
    ) AS texts
FROM spoken;
