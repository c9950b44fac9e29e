-- The tags of the categories that have their own caption part: one row per picture.
--
-- tags, style  names of relations: tags_of(pictures), and one row like default_style
-- gives        picture, character_tags, copyright_tags, artist_tags, quality_tags: lists, best score first;
--              NULL if there are none
CREATE OR REPLACE MACRO part_tags(tags, style) AS TABLE
WITH of_parts AS (
    SELECT tag, category, is_quality
    FROM (
        SELECT tag, category, is_quality_tag(tag) AS is_quality
        FROM (SELECT DISTINCT tag, category FROM query_table(tags))
    )
    CROSS JOIN query_table(style)
    WHERE (category IN ('character', 'copyright', 'artist') OR is_quality)
        AND tag NOT IN ('unknown', 'anonymous', 'original')
        AND NOT is_listed(tag, blacklist)
)

SELECT
    t.picture,
    list(t.tag ORDER BY score DESC, t.tag) FILTER (t.category = 'character') AS character_tags,
    list(t.tag ORDER BY score DESC, t.tag) FILTER (t.category = 'copyright') AS copyright_tags,
    list(t.tag ORDER BY score DESC, t.tag) FILTER (t.category = 'artist') AS artist_tags,
    list(t.tag ORDER BY score DESC, t.tag) FILTER (is_quality) AS quality_tags
FROM query_table(tags) AS t
JOIN of_parts AS o ON o.tag = t.tag AND o.category IS NOT DISTINCT FROM t.category
CROSS JOIN query_table(style) AS style
WHERE reaches(score, counts, style.thresholds[t.category])
GROUP BY t.picture;
