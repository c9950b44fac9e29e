-- What captions say besides tags and names: one row per picture and variant.
--
--     WITH pictures AS (SELECT frame_id AS picture, frame_id FROM kept),
--          mine AS (SELECT * REPLACE (['tags', 'positions'] AS parts) FROM default_style),
--          more AS (FROM more_about('pictures', 'mine'))
--     SELECT picture, caption FROM captions_of('pictures', 'mine', more := 'more')
--
-- pictures, style  as for captions_of()
-- gives            picture, variant, quality (the word for the aesthetic score), description (a sentence; of a crop,
--                  that of its box, because one of the frame may be about others), positions (a clause per person, from
--                  left to right), moved_tags (the tags in these clauses, which the rest of the caption leaves out),
--                  elements ([{part, text}]: each person's box, 0…1 of the picture, and words)
CREATE OR REPLACE MACRO more_about(pictures, style) AS TABLE
WITH facts AS MATERIALIZED (FROM described(pictures)),

people AS MATERIALIZED (
    FROM people_of('facts')
    WHERE (SELECT list_contains(parts, 'positions') OR form IN ('json', 'bbox') FROM query_table(style))
),

chosen AS (FROM caption_tags('people', style)),

said AS (
    SELECT
        picture,
        variant,
        string_agg(clause, ' ' ORDER BY place) AS positions,
        flatten(list(CASE WHEN clause IS NULL THEN [] ELSE own_tags END)) AS moved_tags,
        list({'part': part, 'text': text} ORDER BY place) AS elements
    FROM people_words('people', 'chosen', style)
    GROUP BY picture, variant
)

SELECT
    facts.picture,
    every_variant.variant,
    in_words([quality_word(style.quality, scored.score)], underscores, escape_brackets)[1] AS quality,
    finished(one_line(d.text)) AS description,
    said.positions,
    CASE WHEN list_contains(style.parts, 'positions') THEN said.moved_tags END AS moved_tags,
    said.elements
FROM facts
CROSS JOIN query_table(style) AS style
CROSS JOIN (SELECT unnest(range(1, variants + 1)) AS variant FROM query_table(style)) AS every_variant
LEFT JOIN aesthetic_scores AS scored ON scored.frame_id = facts.frame_id
LEFT JOIN descriptions AS d ON
    d.frame_id = facts.frame_id
    AND CASE
        WHEN facts.crop_kind <> '' OR facts.face_id <> '' THEN d.detection_id = facts.face_id
        ELSE d.detection_id IS NULL
    END
LEFT JOIN said ON said.picture = facts.picture AND said.variant = every_variant.variant;
