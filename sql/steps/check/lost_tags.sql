-- Numbers of tags that are missing from the vocabulary although frames use them: tag_id.
SELECT DISTINCT tag_id
FROM (
    SELECT unnest(tags) AS tag_id FROM frames
    UNION
    SELECT unnest(tags) FROM taggings
    UNION
    SELECT unnest(tags) FROM box_tags
)
ANTI JOIN vocabulary USING (tag_id)
ORDER BY tag_id;
