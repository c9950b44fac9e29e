-- The tags that get into captions, in their order: one row per picture, variant and tag.
--
-- tags, pictures, style    names of relations: tags_of(pictures), described(), and one row like default_style
-- gives                    picture, variant (from 1), tag_number (from 1), tag, words (the tag as it is written), kind,
--                          tag_group (see tag_group())
CREATE OR REPLACE MACRO caption_tags(tags, pictures, style) AS TABLE
WITH style AS (FROM query_table(style)),

allowed AS (
    SELECT
        tag,
        in_words([tag], underscores, escape_brackets)[1] AS words,
        tag_group(tag) AS tag_group,
        groups_of(tag, category, style.groups, map_keys(style.group_dropout)) AS dropped_with
    FROM (SELECT tag, kind, min(category) AS category FROM query_table(tags) GROUP BY tag, kind) AS every_tag, style
    WHERE NOT list_contains(style.leave_out, kind)
        AND NOT is_listed(tag, style.blacklist)
        AND NOT (list_contains(style.parts, 'quality') AND is_quality_tag(tag))
        -- a tag that is also an activation tag is not repeated
        AND NOT list_contains(
            list_transform(split_names(style.activation_tag), lambda name: replace(name, ' ', '_')), tag
        )
),

-- Tags that the name of a character makes superfluous: the name as a tag, and the character's core tags.
present AS (
    SELECT picture, unnest(characters) AS character FROM query_table(pictures)
),

cast_tags AS (
    SELECT picture, replace(character, ' ', '_') AS tag
    FROM present
    WHERE (SELECT list_contains(parts, 'characters') FROM style)
    UNION
    SELECT picture, n.tag
    FROM query_table(pictures)
    JOIN picture_names AS n USING (frame_id)
    WHERE (SELECT list_contains(parts, 'characters') FROM style)
    UNION
    SELECT picture, replace(unnest(core_tags[character]), ' ', '_')
    FROM present CROSS JOIN style
),

wanted AS MATERIALIZED (
    SELECT
        picture, key, tag, max(score) AS score, min(tag_number) AS tag_number, min(kind) AS kind, min(words) AS words,
        min(tag_group) AS tag_group, any_value(dropped_with) AS dropped_with
    FROM query_table(tags) AS b
    JOIN allowed USING (tag)
    ANTI JOIN cast_tags USING (picture, tag)
    CROSS JOIN style
    WHERE list_contains(style.categories, b.category)
        AND reaches(b.score, b.counts, style.thresholds[b.category])
    GROUP BY picture, key, tag
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
    SELECT wanted.picture, longer.tag FROM wanted JOIN longer ON longer.longer = wanted.tag
),

pruned AS (
    FROM wanted
    ANTI JOIN implied ON implied.picture = wanted.picture AND implied.tag = wanted.tag AND wanted.kind <> 'people'
),

numbered AS (
    SELECT
        picture, variant, tag, words, kind, tag_group, max_tags,
        row_number() OVER (
            PARTITION BY picture, variant
            ORDER BY
                people_first AND kind <> 'people',
                CASE
                    WHEN sort = 'shuffle' AND NOT (people_first AND kind = 'people')
                        THEN shuffled(concat_ws('/', seed, variant, key, tag))
                END,
                CASE WHEN sort = 'original' THEN tag_number END,
                -score,
                tag
        ) AS tag_number
    FROM pruned
    CROSS JOIN style
    CROSS JOIN (SELECT unnest(range(1, variants + 1)) AS variant FROM style)
    WHERE len(dropped_groups(seed, variant, key, dropped_with, group_dropout)) = 0
)

SELECT picture, variant, tag_number, tag, words, kind, tag_group
FROM numbered
WHERE max_tags = 0 OR tag_number <= max_tags;
