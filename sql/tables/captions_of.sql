-- Captions for pictures: one row per picture and variant.
--
-- pictures   name of a relation with picture (any key), frame_id and, if it likes, face_id, crop, crop_kind,
--            picture_tags: see described
-- style      name of a relation with one row and the columns of default_style
-- gives      picture, variant (from 1), caption
--
-- Same style, same seed, same bytes: what is left to chance hangs on the seed, the variant, the part and the
-- picture's frame and crop, never on the order of rows.
CREATE OR REPLACE MACRO captions_of(pictures, style := 'default_style') AS TABLE
WITH style AS (FROM query_table(style)),

facts AS MATERIALIZED (
    FROM described(pictures, (SELECT thresholds['general'] FROM query_table(style)))
),

borne AS MATERIALIZED (FROM tags_of('facts')),

chosen AS (FROM caption_tags('borne', 'facts', style)),

tag_lists AS (
    SELECT
        picture,
        variant,
        list(words ORDER BY place) AS tags,
        list(words ORDER BY place) FILTER (kind IN ('hair', 'eyes')) AS looks,
        list(words ORDER BY place) FILTER (kind = 'outfit') AS outfit,
        list(words ORDER BY place) FILTER (kind = 'other') AS others
    FROM chosen
    GROUP BY picture, variant
),

-- Tags of the categories that have a part of their own.
named AS (
    SELECT
        picture,
        list(tag ORDER BY score DESC, tag) FILTER (category = 'character') AS character_tags,
        list(tag ORDER BY score DESC, tag) FILTER (category = 'copyright') AS copyright_tags,
        list(tag ORDER BY score DESC, tag) FILTER (category = 'artist') AS artist_tags
    FROM borne, style
    WHERE category IN ('character', 'copyright', 'artist')
        AND reaches(score, counts, style.thresholds[category])
        AND tag NOT IN ('unknown', 'anonymous', 'original')
        AND NOT is_listed(tag, style.blacklist)
    GROUP BY picture
),

-- What each part has to say. Nothing: an empty list, or null.
said AS (
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
        CASE WHEN list_contains(ratings, rating) THEN rating END AS rating,
        CASE WHEN crop_kind <> '' THEN crop_kind || ' cropped' END AS crop_text,
        list_transform(
            faces,
            lambda f: CASE
                WHEN face_words = 'seed' THEN face_words(f.left, f.top, f.right, f.bottom)
                ELSE face_place(f.left, f.right)
            END
        ) AS faces
    FROM facts
    CROSS JOIN style
    LEFT JOIN named ON named.picture = facts.picture
),

-- The style's parts that chance lets pass, in the style's order.
drawn AS (
    SELECT
        style.*,
        said.*,
        every_variant.variant,
        coalesce(tags, []) AS tags,
        coalesce(looks, []) AS looks,
        coalesce(outfit, []) AS outfit,
        coalesce(others, []) AS others,
        -- Regularization pictures keep a model from taking what it knew for what the activation tag names.
        CASE
            WHEN said.image_type = 'regularization' THEN []
            ELSE in_words(split_names(activation_tag), underscores, escape_brackets)
        END AS activation,
        in_words(list_filter([general_text], lambda t: t <> ''), underscores, escape_brackets)[1] AS general,
        CASE
            WHEN cardinality(probability) = 0 THEN parts
            ELSE list_filter(
                parts,
                lambda part: chance(concat_ws('/', seed, every_variant.variant, said.key, 'part', part))
                    < coalesce(probability[part], 1)
            )
        END AS present,
        CASE
            WHEN dropout > 0 THEN chance(concat_ws('/', seed, every_variant.variant, said.key, 'dropout')) < dropout
            ELSE false
        END AS is_dropped
    FROM said
    CROSS JOIN style
    CROSS JOIN (SELECT unnest(range(1, variants + 1)) AS variant FROM style) AS every_variant
    LEFT JOIN tag_lists
        ON tag_lists.picture = said.picture AND tag_lists.variant = every_variant.variant
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
            'copyright': 'from ' || nullif(joined(copyright, ' '), ''),
            'general': general,
            'image_type': image_type_text,
            'artist': 'by ' || nullif(joined(artist, ' '), ''),
            'rating': rating,
            'crop': crop_text,
            'faces': joined(faces, CASE face_words WHEN 'seed' THEN ' ' ELSE inner_separator END),
            'tags': joined(tags, inner_separator)
        } AS texts
    FROM drawn
    WHERE form <> 'sentence' AND NOT is_dropped
)

SELECT picture, variant, joined_parts(present, texts, parts, outer_separator, keep_tokens_separator, keep_tokens_before) AS caption
FROM worded
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
