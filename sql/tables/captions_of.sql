-- Captions for pictures: one row per picture and variant.
--
-- pictures   name of a relation with picture (any key) and frame_id; face_id, crop, crop_kind and picture_tags are
--            optional: see described
-- style      name of a relation with one row and the columns of default_style
-- more       name of the relation more_about(pictures, style), if the style has the parts description, positions or
--            quality, or writes JSON. It is computed apart, because it takes as long as all the rest.
-- gives      picture, variant (from 1), caption
--
-- The same style and seed give the same bytes. Random choices depend on the seed, the variant, the part and the
-- picture's frame and crop, never on the order of rows.
CREATE OR REPLACE MACRO captions_of(pictures, style := 'default_style', more := 'nothing_more') AS TABLE
WITH facts AS MATERIALIZED (
    FROM described(pictures, (SELECT thresholds['general'] FROM query_table(style)))
),

picture_tag_rows AS MATERIALIZED (FROM tags_of('facts')),

more AS MATERIALIZED (FROM query_table(more)),

-- A tag that a clause gives to one person is not repeated for the whole picture.
chosen AS (
    SELECT
        c.picture,
        c.variant,
        CASE
            WHEN m.moved_tags IS NULL THEN c.chosen
            ELSE list_filter(c.chosen, lambda t: NOT list_contains(m.moved_tags, t.tag))
        END AS chosen
    FROM chosen_tags('picture_tag_rows', 'facts', style) AS c
    LEFT JOIN more AS m ON m.picture = c.picture AND m.variant = c.variant
),

words AS (FROM part_words('facts', 'picture_tag_rows', style)),

drawn AS (
    SELECT
        parts.*,
        coalesce(chosen, []) AS chosen,
        coalesce(quality_tags, list_filter([more.quality], lambda word: word <> '')) AS quality_words,
        more.description,
        more.positions,
        coalesce(more.elements, []) AS elements
    FROM drawn_parts('words', style) AS parts
    LEFT JOIN chosen ON chosen.picture = parts.picture AND chosen.variant = parts.variant
    LEFT JOIN more ON more.picture = parts.picture AND more.variant = parts.variant
),

-- Only the parts of the caption are written. Lists are joined before the lambda, which would copy them.
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
        END AS people_count,
        CASE
            WHEN form = 'nl' THEN words_of_groups(chosen, ['hair', 'eyes', 'clothing', 'body'])
        END AS appearance,
        CASE WHEN form IN ('nl', 'json') THEN words_of_groups(chosen, ['background', 'light']) END AS environment
    FROM drawn
),

worded AS (
    SELECT
        *,
        map_from_entries(list_transform(
            list_distinct(present),
            lambda part: {
                'key': part,
                'value': coalesce(prefixes[part], '') || nullif(CASE part
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
            }
        )) AS texts
    FROM spoken
),

joined_texts AS (
    SELECT
        *,
        CASE
            WHEN form <> 'sentence'
                THEN joined_parts(present, texts, parts, outer_separator, keep_tokens_separator, keep_tokens_before)
        END AS text
    FROM worded
)

SELECT
    picture,
    variant,
    CASE
        WHEN is_dropped THEN ''
        WHEN form = 'list' THEN text
        WHEN form = 'json' THEN json_caption(text, environment, elements)
        WHEN form = 'bbox' THEN bbox_caption(elements)
        WHEN form = 'sentence' THEN sentence(
            present, activation, characters, n_girls, n_boys,
            words_of_kinds(chosen, ['hair', 'eyes']),
            words_of_kinds(chosen, ['outfit']),
            words_of_kinds(chosen, ['other']),
            faces, concat_ws(', ', general, image_type_text, crop_text), copyright, artist, rating
        )
        WHEN form = 'nl' THEN nl_caption(
            activation,
            quality_words,
            words_of_kinds(chosen, ['people']),
            characters,
            copyright,
            artist,
            appearance,
            list_filter(
                words_of_kinds(chosen, ['hair', 'eyes', 'outfit', 'other']),
                lambda word: NOT list_contains(appearance || environment || quality_words, word)
            ),
            environment,
            description
        )
        ELSE text
    END AS caption
FROM joined_texts;
