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
moved AS (SELECT picture, variant, unnest(moved_tags) AS tag FROM more),

chosen AS (
    FROM caption_tags('picture_tag_rows', 'facts', style)
    ANTI JOIN moved USING (picture, variant, tag)
),

tag_lists AS (
    SELECT
        picture,
        variant,
        list(words ORDER BY tag_number) AS tags,
        list(words ORDER BY tag_number) FILTER (kind = 'people') AS people_tags,
        list(words ORDER BY tag_number) FILTER (kind <> 'people') AS other_tags,
        list(words ORDER BY tag_number) FILTER (kind IN ('hair', 'eyes')) AS looks,
        list(words ORDER BY tag_number) FILTER (kind = 'outfit') AS outfit,
        list(words ORDER BY tag_number) FILTER (kind = 'other') AS others,
        list(words ORDER BY tag_number) FILTER (tag_group IN ('hair', 'eyes', 'clothing', 'body')) AS appearance,
        list(words ORDER BY tag_number) FILTER (tag_group IN ('background', 'light')) AS environment
    FROM chosen
    GROUP BY picture, variant
),

words AS (FROM part_words('facts', 'picture_tag_rows', style)),

drawn AS (
    SELECT
        parts.*,
        coalesce(tags, []) AS tags,
        coalesce(people_tags, []) AS people_tags,
        coalesce(other_tags, []) AS other_tags,
        coalesce(looks, []) AS looks,
        coalesce(outfit, []) AS outfit,
        coalesce(others, []) AS others,
        coalesce(appearance, []) AS appearance,
        coalesce(environment, []) AS environment,
        coalesce(quality_tags, list_filter([more.quality], lambda word: word <> '')) AS quality_words,
        more.description,
        more.positions,
        coalesce(more.elements, []) AS elements
    FROM drawn_parts('words', style) AS parts
    LEFT JOIN tag_lists ON tag_lists.picture = parts.picture AND tag_lists.variant = parts.variant
    LEFT JOIN more ON more.picture = parts.picture AND more.variant = parts.variant
),

worded AS (
    SELECT
        *,
        MAP {
            'activation': joined(activation, inner_separator),
            'people': CASE
                WHEN n_people = 1 THEN '1person'
                WHEN n_people BETWEEN 2 AND 5 THEN n_people || 'people'
                WHEN n_people > 5 THEN 'manypeople'
            END,
            'characters': joined(characters, character_separator),
            'copyright': joined(copyright, ' '),
            'general': general,
            'image_type': image_type_text,
            'artist': joined(artist, ' '),
            'rating': rating,
            'crop': crop_text,
            'faces': joined(faces, CASE face_words WHEN 'seed' THEN ' ' ELSE inner_separator END),
            'people_tags': joined(people_tags, inner_separator),
            'quality': joined(quality_words, inner_separator),
            'description': description,
            'positions': positions,
            'tags': joined(
                CASE WHEN list_contains(parts, 'people_tags') THEN other_tags ELSE tags END, inner_separator
            )
        } AS texts
    FROM drawn
    WHERE form <> 'sentence' AND NOT is_dropped
),

prefixed AS (
    SELECT
        * EXCLUDE (texts),
        map_from_entries(list_transform(
            map_entries(texts),
            lambda part: {'key': part.key, 'value': coalesce(prefixes[part.key], '') || nullif(part.value, '')}
        )) AS texts
    FROM worded
),

joined_texts AS (
    SELECT
        *,
        joined_parts(present, texts, parts, outer_separator, keep_tokens_separator, keep_tokens_before) AS text
    FROM prefixed
)

SELECT
    picture,
    variant,
    CASE form
        WHEN 'json' THEN json_caption(text, environment, elements)
        WHEN 'bbox' THEN bbox_caption(elements)
        WHEN 'nl' THEN nl_caption(
            activation, quality_words, people_tags, characters, copyright, artist, appearance,
            list_filter(
                other_tags, lambda word: NOT list_contains(appearance || environment || quality_words, word)
            ),
            environment,
            description
        )
        ELSE text
    END AS caption
FROM joined_texts
UNION ALL
SELECT
    picture,
    variant,
    CASE
        WHEN is_dropped THEN ''
        ELSE sentence(
            present, activation, characters, n_girls, n_boys, looks, outfit, others, faces,
            concat_ws(', ', general, image_type_text, crop_text), copyright, artist, rating
        )
    END
FROM drawn
WHERE form = 'sentence' OR is_dropped;
