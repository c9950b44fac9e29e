-- The tags of the categories that have their own caption part: one row per picture.
--
-- rows, tag_list, style  names of relations: tag_rows(pictures), tag_names() of it, and one row like default_style
-- gives                  picture, character_tags, copyright_tags, artist_tags, quality_tags: lists, best score first;
--                        NULL if there are none
CREATE OR REPLACE MACRO part_tags(rows, tag_list, style) AS TABLE
WITH of_parts AS (
    SELECT tag_key, tag, category, is_quality_tag(tag) AS is_quality, thresholds[category] AS threshold
    FROM query_table(tag_list)
    CROSS JOIN query_table(style)
    WHERE (category IN ('character', 'copyright', 'artist') OR is_quality_tag(tag))
        AND tag NOT IN ('unknown', 'anonymous', 'original')
        AND NOT is_listed(tag, blacklist)
)

SELECT
    r.picture,
    list(o.tag ORDER BY score DESC, o.tag) FILTER (o.category = 'character') AS character_tags,
    list(o.tag ORDER BY score DESC, o.tag) FILTER (o.category = 'copyright') AS copyright_tags,
    list(o.tag ORDER BY score DESC, o.tag) FILTER (o.category = 'artist') AS artist_tags,
    list(o.tag ORDER BY score DESC, o.tag) FILTER (o.is_quality) AS quality_tags
FROM query_table(rows) AS r
JOIN of_parts AS o USING (tag_key)
WHERE reaches(score, counts, o.threshold)
GROUP BY r.picture;
