-- Does a frame have a tag? With frames.tags and frames.tag_ids: at the tagger's own threshold.
--
--     SELECT frame_id FROM frames WHERE has_tag(tag_ids, '1girl') AND NOT has_tag(tag_ids, '1boy')
--
-- Takes `tag_ids` (numbers: fast) or `tags` (strings: the same answer in about twice the time).
-- To use another threshold: has_tag(sure(all_scores, 0.2), 'smile').
-- 'red hair' means 'red_hair'. No frame has a tag that no model knows.
-- The result is NULL for a frame that was never tagged, so neither has_tag() nor NOT has_tag() finds it.
CREATE OR REPLACE MACRO
    has_tag(tags INTEGER[], tag VARCHAR) AS list_contains(tags, tag_id(tag)),
           (tags VARCHAR[], tag VARCHAR) AS list_contains(tags, replace(tag, ' ', '_'));
