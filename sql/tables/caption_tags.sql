-- The tags of pictures, with all that captions ask about a tag: one row per picture and tag.
--
-- pictures   name of a relation with the columns of described()
-- gives      picture, key, tag, category, score, counts (it reaches the tagger's own threshold), place (from 1, as the
--            tagger or the sidecar had it), kind (people, hair, eyes, outfit, other)
--
-- What a tag is about is worked out once per tag, not once per row.
CREATE OR REPLACE MACRO tags_of(pictures) AS TABLE
WITH borne AS (
    SELECT
        picture, key, vocabulary.tag, vocabulary.category, per_cent / 100.0 AS score,
        list_contains(sure_tags, tag_id) AS counts, place
    FROM (
        SELECT
            picture, key, f.sure_tags, unnest(f.tags) AS tag_id, unnest(f.tag_scores) AS per_cent,
            generate_subscripts(f.tags, 1) AS place
        FROM query_table(pictures) AS p
        JOIN tagged_frames AS f USING (frame_id)
        WHERE p.picture_tags IS NULL
    )
    JOIN vocabulary USING (tag_id)
    UNION ALL
    SELECT picture, key, replace(given.tag, ' ', '_'), given.category, given.score, given.counts, place
    FROM (
        SELECT picture, key, unnest(picture_tags) AS given, generate_subscripts(picture_tags, 1) AS place
        FROM query_table(pictures)
    )
),

known AS (
    SELECT
        tag,
        CASE
            WHEN is_people_tag(tag) THEN 'people'
            WHEN is_hair_tag(tag) THEN 'hair'
            WHEN is_eye_tag(tag) THEN 'eyes'
            WHEN is_outfit_tag(tag) THEN 'outfit'
            ELSE 'other'
        END AS kind
    FROM (SELECT DISTINCT tag FROM borne)
)

-- scores are whole per cent and may come as float32: 0.35 must not fall below 0.35
SELECT picture, key, tag, category, round(score, 4)::DOUBLE AS score, counts, place, kind
FROM borne JOIN known USING (tag);

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
