-- The names behind the tag_key of tag_rows(): one row per key.
--
-- rows, pictures  names of relations: tag_rows(pictures), and one with the columns of described()
-- gives           tag_key, tag, category, kind (people, hair, eyes, outfit, other)
--
-- The key of a stored tag is its number in the vocabulary. A tag that a picture has of its own (picture_tags) may not
-- be there: its key is negative.
CREATE OR REPLACE MACRO given_tag_key(tag, category) AS
    -1 - (hash(concat(replace(tag, ' ', '_'), chr(9), coalesce(category, chr(10)))) >> 1)::BIGINT;

CREATE OR REPLACE MACRO tag_names(rows, pictures) AS TABLE
SELECT tag_key, tag, category, kind_of_tag(tag) AS kind
FROM (
    SELECT tag_id::BIGINT AS tag_key, tag, category
    FROM vocabulary
    WHERE tag_id IN (SELECT DISTINCT tag_key FROM query_table(rows) WHERE tag_key >= 0)
    UNION ALL
    SELECT tag_key, any_value(replace(one.tag, ' ', '_')), any_value(one.category)
    FROM (
        SELECT one, given_tag_key(one.tag, one.category) AS tag_key
        FROM (SELECT unnest(picture_tags) AS one FROM query_table(pictures))
    )
    GROUP BY tag_key
) AS named;
