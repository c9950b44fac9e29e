-- The tags of the categories that have their own caption part: one row per picture.
--
-- tags, style  names of relations: tags_of(pictures), and one row like default_style
-- gives        picture, character_tags, copyright_tags, artist_tags, quality_tags: lists, best score first;
--              NULL if there are none
CREATE OR REPLACE MACRO part_tags(tags, style) AS TABLE
SELECT
    picture,
    list(tag ORDER BY score DESC, tag) FILTER (category = 'character') AS character_tags,
    list(tag ORDER BY score DESC, tag) FILTER (category = 'copyright') AS copyright_tags,
    list(tag ORDER BY score DESC, tag) FILTER (category = 'artist') AS artist_tags,
    list(tag ORDER BY score DESC, tag) FILTER (is_quality_tag(tag)) AS quality_tags
FROM query_table(tags), query_table(style) AS style
WHERE (category IN ('character', 'copyright', 'artist') OR is_quality_tag(tag))
    AND reaches(score, counts, style.thresholds[category])
    AND tag NOT IN ('unknown', 'anonymous', 'original')
    AND NOT is_listed(tag, style.blacklist)
GROUP BY picture;
