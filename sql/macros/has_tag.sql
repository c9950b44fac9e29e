-- Does a frame have a tag? In frames.tags and frames.tag_ids that means: at the tagger's own threshold.
--
--     SELECT frame_id FROM frames WHERE has_tag(tag_ids, '1girl') AND NOT has_tag(tag_ids, '1boy')
--
-- Takes `tag_ids` (numbers: fast) or `tags` (strings: the same answer, many times slower).
-- To ask for another threshold: has_tag(sure(all_scores, 0.2), 'smile').
-- 'red hair' means 'red_hair'. A tag that no model knows is borne by nobody.
-- A frame that was never tagged gives NULL, so it meets neither the question nor its opposite.
CREATE OR REPLACE MACRO
    has_tag(tags SMALLINT[], tag VARCHAR) AS list_contains(tags, tag_id(tag)),
           (tags VARCHAR[], tag VARCHAR) AS list_contains(tags, replace(tag, ' ', '_'));
