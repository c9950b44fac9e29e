-- The tags that get into captions, in their order: one row per picture and variant, with a list.
--
-- rows, tag_list, allowed  names of relations: tag_rows(pictures), tag_names() of it, allowed_tags() of that
-- pictures, style          names of relations: described(), and one row like default_style
-- gives                    picture, variant (from 1), places: those of the tags in allowed_tags(). A picture without
--                          tags has no row.
--
-- The tags of a picture are sorted as whole numbers, whose bits are from the highest: 60 is not about people, if those
-- come first; 44…59 the position, if the original order is kept; 24…43 how far the score is below 50, in
-- ten-thousandths (the scores of taggers are at most 1); 0…23 the place.
CREATE OR REPLACE MACRO place_of(sort_key) AS (sort_key & 16777215);

CREATE OR REPLACE MACRO chosen_tags(rows, tag_list, allowed, pictures, style) AS TABLE
WITH style AS (
    SELECT *, list_contains(parts, 'characters') AS names_characters FROM query_table(style)
),

allowed AS (FROM query_table(allowed)),

-- Longer tags, and the tags that they make superfluous.
longer AS (
    SELECT tag AS longer, unnest(implied_tags(tag)) AS tag
    FROM allowed
    WHERE (SELECT prune_overlaps FROM style)
    UNION
    SELECT replace(unnest(entry.value), ' ', '_'), replace(entry.key, ' ', '_')
    FROM (SELECT unnest(map_entries(overlapping)) AS entry FROM style)
),

implied AS (
    SELECT l.longer AS tag, list(a.place) AS places
    FROM longer AS l
    JOIN allowed AS a ON a.tag = l.tag AND a.kind <> 'people'
    GROUP BY l.longer
),

-- All of this by the place of the tag, and whether there is any of it.
known AS MATERIALIZED (
    SELECT
        list({'tag': tag, 'is_people': kind = 'people'} ORDER BY place) AS entries,
        list(dropped_with ORDER BY place) AS dropped_with,
        list(coalesce(implied.places, []) ORDER BY place) AS implied,
        count(implied.places) > 0 AS implies_some
    FROM allowed
    LEFT JOIN implied USING (tag)
),

-- Tags that the name of a character makes superfluous: the name as a tag, and the character's core tags.
present AS (
    SELECT picture, unnest(characters) AS character FROM query_table(pictures)
),

cast_tags AS (
    SELECT picture, replace(character, ' ', '_') AS tag
    FROM present
    WHERE (SELECT names_characters FROM style)
    UNION
    SELECT picture, n.tag
    FROM query_table(pictures)
    JOIN picture_names AS n USING (frame_id)
    WHERE (SELECT names_characters FROM style)
    UNION
    SELECT picture, replace(unnest(core_tags[character]), ' ', '_')
    FROM present CROSS JOIN style
),

named_places AS (
    SELECT DISTINCT picture, place FROM cast_tags JOIN allowed USING (tag)
),

categories AS (
    SELECT category, thresholds[category] AS threshold
    FROM (SELECT unnest(list_distinct(categories)) AS category, thresholds FROM style)
),

-- The tags that may be used, by their keys.
usable AS (
    SELECT
        n.tag_key,
        allowed.place,
        categories.threshold,
        (CASE WHEN style.people_first AND n.kind <> 'people' THEN 1::BIGINT << 60 ELSE 0 END) | allowed.place
            AS sort_key,
        style.sort = 'original' AS keeps_order
    FROM query_table(tag_list) AS n
    JOIN allowed USING (tag)
    JOIN categories ON categories.category = n.category
    CROSS JOIN style
),

listed AS (
    SELECT
        picture,
        list(
            sort_key
            | (CASE WHEN keeps_order THEN least(tag_number, 65535)::BIGINT << 44 ELSE 0 END)
            | (coalesce(500000 - least(greatest(round(score * 10000), -500000), 500000), 1000001)::BIGINT << 24)
        ) AS found
    FROM (
        SELECT r.*, u.place, u.sort_key, u.keeps_order
        FROM query_table(rows) AS r
        JOIN usable AS u USING (tag_key)
        WHERE reaches(r.score, r.counts, u.threshold)
    )
    ANTI JOIN named_places USING (picture, place)
    GROUP BY picture
),

pruned AS (
    SELECT
        picture,
        p.key,
        CASE
            WHEN known.implies_some THEN list_transform(
                [flatten(list_transform(found, lambda t: known.implied[place_of(t)]))],
                lambda superfluous: list_filter(found, lambda t: NOT list_contains(superfluous, place_of(t)))
            )[1]
            ELSE found
        END AS found
    FROM listed
    JOIN (SELECT picture, key FROM query_table(pictures)) AS p USING (picture)
    CROSS JOIN known
),

drawn AS (
    SELECT
        picture, key, variant, known.entries, sort, people_first, max_tags, seed,
        CASE
            WHEN cardinality(group_dropout) = 0 THEN found
            ELSE list_transform(
                [dropped_groups(seed, variant, key, map_keys(group_dropout), group_dropout)],
                lambda groups: list_filter(
                    found, lambda t: NOT list_has_any(known.dropped_with[place_of(t)], groups)
                )
            )[1]
        END AS found
    FROM pruned
    CROSS JOIN known
    CROSS JOIN style
    CROSS JOIN (SELECT unnest(range(1, variants + 1)) AS variant FROM style)
),

sorted AS (
    SELECT
        picture,
        variant,
        max_tags,
        list_transform(
            CASE
                WHEN sort = 'shuffle' THEN list_transform(
                    list_sort(list_transform(
                        found,
                        lambda t: {
                            'chance': CASE
                                WHEN people_first AND entries[place_of(t)].is_people THEN 0::UBIGINT
                                ELSE shuffled(concat_ws('/', seed, variant, key, entries[place_of(t)].tag))
                            END,
                            'sort_key': t
                        }
                    )),
                    lambda t: t.sort_key
                )
                ELSE list_sort(found)
            END,
            lambda t: place_of(t)
        ) AS places
    FROM drawn
    WHERE len(found) > 0
),

once AS (
    SELECT
        picture,
        variant,
        max_tags,
        CASE WHEN list_unique(places) = len(places) THEN places ELSE first_of_each(places) END AS places
    FROM sorted
)

SELECT
    picture,
    variant,
    CASE WHEN max_tags = 0 THEN places ELSE places[:max_tags] END AS places
FROM once;
