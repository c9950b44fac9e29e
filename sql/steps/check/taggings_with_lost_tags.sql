-- Rows in `taggings` with a tag that is missing from the vocabulary: tagging_id, source_id.
CREATE OR REPLACE TEMP TABLE taggings_with_lost_tags AS
SELECT DISTINCT tagging_id, source_id
FROM (SELECT tagging_id, source_id, unnest(tags) AS tag_id FROM taggings)
ANTI JOIN vocabulary USING (tag_id);
