-- Rows in `taggings` with a tag that the vocabulary does not have: tagging_id, source_id.
CREATE OR REPLACE TEMP TABLE untold AS
SELECT DISTINCT tagging_id, source_id
FROM (SELECT tagging_id, source_id, unnest(tags) AS tag_id FROM taggings)
ANTI JOIN vocabulary USING (tag_id);
