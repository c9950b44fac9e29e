-- Rows with a tag that is missing from the vocabulary: in `taggings` (tagging_id, source_id), and in `box_tags`
-- (box_tagging_id, source_id).
CREATE OR REPLACE TEMP TABLE taggings_with_lost_tags AS
SELECT DISTINCT tagging_id, source_id
FROM (SELECT tagging_id, source_id, unnest(tags) AS tag_id FROM taggings)
ANTI JOIN vocabulary USING (tag_id);

CREATE OR REPLACE TEMP TABLE box_tags_with_lost_tags AS
SELECT DISTINCT box_tagging_id, source_id
FROM (SELECT box_tagging_id, source_id, unnest(tags) AS tag_id FROM box_tags)
ANTI JOIN vocabulary USING (tag_id);
