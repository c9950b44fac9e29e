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
WITH joined_texts AS (
    SELECT
        *,
        CASE
            WHEN form <> 'sentence' THEN joined_parts(
                present, map_from_entries(list_distinct(list_zip(present, texts))), parts,
                outer_separator, keep_tokens_separator, keep_tokens_before
            )
        END AS text,
        CASE WHEN form = 'nl' THEN words_of_groups(chosen, ['hair', 'eyes', 'clothing', 'body']) END AS appearance,
        CASE WHEN form IN ('nl', 'json') THEN words_of_groups(chosen, ['background', 'light']) END AS environment
    FROM caption_words(pictures, style, more)
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
