-- The parts that are drawn for each caption, by their probability: one row per picture and variant.
--
-- words, style  names of relations: part_words(), and one row like default_style
-- gives         the columns of both, variant (from 1), activation and general (the texts of these parts), present (the
--               parts that were drawn, in the style's order), is_dropped (the caption is empty)
CREATE OR REPLACE MACRO drawn_parts(words, style) AS TABLE
WITH style AS (
    SELECT
        *,
        in_words(split_names(activation_tag), underscores, escape_brackets) AS activation_words,
        in_words(list_filter([general_text], lambda t: t <> ''), underscores, escape_brackets)[1] AS general
    FROM query_table(style)
)

SELECT
    style.* EXCLUDE (activation_words),
    words.*,
    every_variant.variant,
    -- Regularization pictures get no activation tag: they show the model what the tag does not mean.
    CASE
        WHEN words.image_type = 'regularization' THEN []
        ELSE activation_words
    END AS activation,
    CASE
        WHEN cardinality(probability) + cardinality(group_dropout) = 0 THEN parts
        ELSE list_filter(
            parts,
            lambda part: chance(concat_ws('/', seed, every_variant.variant, words.key, 'part', part))
                < coalesce(probability[part], 1)
                -- the parts artist and quality are dropped with the groups of these names
                AND len(dropped_groups(seed, every_variant.variant, words.key, [part], group_dropout)) = 0
        )
    END AS present,
    CASE
        WHEN dropout > 0 THEN chance(concat_ws('/', seed, every_variant.variant, words.key, 'dropout')) < dropout
        ELSE false
    END AS is_dropped
FROM query_table(words) AS words
CROSS JOIN style
CROSS JOIN (SELECT unnest(range(1, variants + 1)) AS variant FROM style) AS every_variant;
