-- The tags that get into captions, in their order: one row per picture, variant and tag.
--
-- borne, pictures, style   names of relations: tags_of(pictures), described(), and one row like default_style
-- gives                    picture, variant (from 1), place (from 1), tag, words (the tag as it is written), kind
CREATE OR REPLACE MACRO caption_tags(borne, pictures, style) AS TABLE
WITH style AS (FROM query_table(style)),

allowed AS (
    SELECT tag, in_words([tag], underscores, escape_brackets)[1] AS words
    FROM (SELECT DISTINCT tag, kind FROM query_table(borne)) AS every_tag, style
    WHERE NOT list_contains(style.leave_out, kind)
        AND NOT is_listed(tag, style.blacklist)
        -- what the caption says anyway, as an activation tag, is not said again
        AND NOT list_contains(
            list_transform(split_names(style.activation_tag), lambda name: replace(name, ' ', '_')), tag
        )
),

-- What a character's name says already: the tag that is the name, and the character's core tags.
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
    SELECT picture, key, tag, max(score) AS score, min(place) AS place, min(kind) AS kind, min(words) AS words
    FROM query_table(borne) AS b
    JOIN allowed USING (tag)
    ANTI JOIN cast_tags USING (picture, tag)
    CROSS JOIN style
    WHERE list_contains(style.categories, b.category)
        AND reaches(b.score, b.counts, style.thresholds[b.category])
    GROUP BY picture, key, tag
),

-- Longer tags, and what beside them need not be said.
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

places AS (
    SELECT
        picture, variant, tag, words, kind, max_tags,
        row_number() OVER (
            PARTITION BY picture, variant
            ORDER BY
                people_first AND kind <> 'people',
                CASE
                    WHEN sort = 'shuffle' AND NOT (people_first AND kind = 'people')
                        THEN shuffled(concat_ws('/', seed, variant, key, tag))
                END,
                CASE WHEN sort = 'original' THEN place END,
                -score,
                tag
        ) AS place
    FROM pruned
    CROSS JOIN style
    CROSS JOIN (SELECT unnest(range(1, variants + 1)) AS variant FROM style)
)

SELECT picture, variant, place, tag, words, kind FROM places WHERE max_tags = 0 OR place <= max_tags;
