-- The tags that get into captions: one row per picture and variant, with a list.
--
-- tags, pictures, style    names of relations: tags_of(pictures), described(), and one row like default_style
-- gives                    picture, variant (from 1), chosen: [{tag, words (the tag as it is written), kind, tag_group
--                          (see tag_group())}] in the order of the caption. A picture without tags has no row.
--
-- What is true of a tag is computed once. Of the tags of a picture, only numbers are sorted: the places of the tags in
-- the alphabet.
CREATE OR REPLACE MACRO chosen_tags(tags, pictures, style) AS TABLE
WITH style AS (
    SELECT
        *,
        list_transform(split_names(activation_tag), lambda name: replace(name, ' ', '_')) AS activation_tags,
        list_contains(parts, 'characters') AS names_characters
    FROM query_table(style)
),

allowed AS MATERIALIZED (
    SELECT
        row_number() OVER (ORDER BY tag) AS place,
        tag,
        kind,
        in_words([tag], underscores, escape_brackets)[1] AS words,
        tag_group(tag) AS tag_group,
        groups_of(tag, category, style.groups, map_keys(style.group_dropout)) AS dropped_with
    FROM (SELECT tag, kind, min(category) AS category FROM query_table(tags) GROUP BY tag, kind) AS every_tag, style
    WHERE NOT list_contains(style.leave_out, kind)
        AND NOT is_listed(tag, style.blacklist)
        AND NOT (list_contains(style.parts, 'quality') AND is_quality_tag(tag))
        -- a tag that is also an activation tag is not repeated
        AND NOT list_contains(style.activation_tags, tag)
),

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
        list({'tag': tag, 'words': words, 'kind': kind, 'tag_group': tag_group} ORDER BY place) AS entries,
        list(kind = 'people' ORDER BY place) AS are_people,
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

categories AS (
    SELECT category, thresholds[category] AS threshold
    FROM (SELECT unnest(list_distinct(categories)) AS category, thresholds FROM style)
),

listed AS (
    SELECT picture, list({'place': place, 'score': score, 'number': tag_number}) AS found
    FROM (
        SELECT picture, tag, place, score, tag_number
        FROM query_table(tags) AS b
        JOIN allowed USING (tag)
        JOIN categories AS c ON c.category = b.category
        WHERE reaches(b.score, b.counts, c.threshold)
    )
    ANTI JOIN cast_tags USING (picture, tag)
    GROUP BY picture
),

pruned AS (
    SELECT
        picture,
        p.key,
        CASE
            WHEN known.implies_some THEN list_transform(
                [flatten(list_transform(found, lambda t: known.implied[t.place]))],
                lambda superfluous: list_filter(found, lambda t: NOT list_contains(superfluous, t.place))
            )[1]
            ELSE found
        END AS found
    FROM listed
    JOIN (SELECT picture, key FROM query_table(pictures)) AS p USING (picture)
    CROSS JOIN known
),

drawn AS (
    SELECT
        picture, key, variant, known.entries, known.are_people, sort, people_first, max_tags, seed,
        CASE
            WHEN cardinality(group_dropout) = 0 THEN found
            ELSE list_transform(
                [dropped_groups(seed, variant, key, map_keys(group_dropout), group_dropout)],
                lambda groups: list_filter(
                    found, lambda t: NOT list_has_any(known.dropped_with[t.place], groups)
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
        entries,
        max_tags,
        list_transform(
            list_sort(list_transform(
                found,
                lambda t: {
                    'is_later': people_first AND NOT are_people[t.place],
                    'chance': CASE
                        WHEN sort = 'shuffle' AND NOT (people_first AND are_people[t.place])
                            THEN shuffled(concat_ws('/', seed, variant, key, entries[t.place].tag))
                        ELSE 0::UBIGINT
                    END,
                    'number': CASE WHEN sort = 'original' THEN t.number ELSE 0 END,
                    'worst': -t.score,
                    'place': t.place
                }
            )),
            lambda t: t.place
        ) AS places
    FROM drawn
),

once AS (
    SELECT
        picture,
        variant,
        entries,
        max_tags,
        CASE
            WHEN list_unique(places) = len(places) THEN places
            ELSE first_of_each(places)
        END AS places
    FROM sorted
)

SELECT
    picture,
    variant,
    list_select(entries, CASE WHEN max_tags = 0 THEN places ELSE places[:max_tags] END) AS chosen
FROM once
WHERE len(places) > 0;
