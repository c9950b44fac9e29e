-- What captions say about each person on a picture: one row per picture, variant and person.
--
-- people, tag_rows, style  names of relations: people_of(), caption_tags() of it, and one row like default_style
-- gives                    picture, variant, place (from 1, left to right), part (the box: left, top, right, bottom,
--                          0…1), clause (`On the left, Emi, red hair.`, or NULL if the picture has one person or there
--                          is nothing to say), own_tags (the tags in the clause), text (the description of the person's
--                          box, else name and tags)
--
-- The tags are those about looks, clothes, expression, pose and body, the best eight. A tag that every person on the
-- picture has distinguishes nobody and is not in clauses.
CREATE OR REPLACE MACRO people_words(people, tag_rows, style) AS TABLE
WITH style AS (FROM query_table(style)),

every_variant AS (
    SELECT p.*, variant
    FROM query_table(people) AS p
    CROSS JOIN (SELECT unnest(range(1, variants + 1)) AS variant FROM style)
),

own AS (
    SELECT v.on_picture, v.place, v.n_people, t.*
    FROM query_table(tag_rows) AS t
    JOIN every_variant AS v ON v.picture = t.picture AND v.variant = t.variant
    WHERE t.kind IN ('hair', 'eyes', 'outfit')
        OR t.tag_group IN ('clothing', 'hair', 'eyes', 'body', 'expression', 'pose')
),

compared AS (
    SELECT
        *, n_people = 1 OR count(*) OVER (PARTITION BY on_picture, variant, tag) < n_people AS is_different
    FROM own
),

numbered AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY on_picture, variant, place ORDER BY tag_number) AS number,
        row_number() OVER (
            PARTITION BY on_picture, variant, place, is_different ORDER BY tag_number
        ) AS number_of_different
    FROM compared
),

best AS (
    SELECT
        on_picture, variant, place,
        list(tag ORDER BY tag_number) FILTER (is_different AND number_of_different <= 8) AS own_tags,
        list(words ORDER BY tag_number) FILTER (is_different AND number_of_different <= 8) AS own_words,
        list(words ORDER BY tag_number) FILTER (number <= 8) AS words
    FROM numbered
    GROUP BY on_picture, variant, place
),

described AS (
    SELECT
        v.on_picture, v.variant, v.place,
        arg_min(one_line(d.text), list_position(described_by, d.detection_id)) AS text
    FROM every_variant AS v
    JOIN descriptions AS d ON d.frame_id = v.frame_id AND list_contains(v.described_by, d.detection_id)
    GROUP BY v.on_picture, v.variant, v.place
),

said AS (
    SELECT
        v.on_picture AS picture, v.variant, v.place, v.n_people, v.part,
        in_words(
            [concat_ws(style.character_inner_separator, v.who.character, v.who.appearance)],
            underscores, escape_brackets
        )[1] AS name,
        coalesce(best.own_tags, []) AS own_tags,
        list_filter([name], lambda n: n <> '') || coalesce(best.own_words, []) AS own_words,
        list_filter([name], lambda n: n <> '') || coalesce(best.words, []) AS words,
        d.text AS description
    FROM every_variant AS v
    CROSS JOIN style
    LEFT JOIN best ON best.on_picture = v.on_picture AND best.variant = v.variant AND best.place = v.place
    LEFT JOIN described AS d ON d.on_picture = v.on_picture AND d.variant = v.variant AND d.place = v.place
)

SELECT
    picture, variant, place, part, own_tags,
    CASE
        WHEN n_people > 1 AND len(own_words) > 0
            THEN concat(person_place(place, n_people), ', ', array_to_string(own_words, ', '), '.')
    END AS clause,
    CASE
        WHEN description IS NULL THEN coalesce(nullif(array_to_string(words, ', '), ''), 'a person')
        WHEN name = '' OR contains(lower(description), lower(name)) THEN description
        ELSE concat(name, ': ', description)
    END AS text
FROM said;
