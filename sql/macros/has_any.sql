-- Does a frame bear at least one tag of a list? An empty list offers nothing: false.
--
--     SELECT frame_id FROM frames WHERE NOT has_any(tag_ids, ['text', 'watermark'])
--
-- Written out for the reason given in has_all.
CREATE OR REPLACE MACRO has_any(tags, wanted) AS (
       (len(wanted) >=  1 AND has_tag(tags, wanted[1]))
    OR (len(wanted) >=  2 AND has_tag(tags, wanted[2]))
    OR (len(wanted) >=  3 AND has_tag(tags, wanted[3]))
    OR (len(wanted) >=  4 AND has_tag(tags, wanted[4]))
    OR (len(wanted) >=  5 AND has_tag(tags, wanted[5]))
    OR (len(wanted) >=  6 AND has_tag(tags, wanted[6]))
    OR (len(wanted) >=  7 AND has_tag(tags, wanted[7]))
    OR (len(wanted) >=  8 AND has_tag(tags, wanted[8]))
    OR (len(wanted) >=  9 AND has_tag(tags, wanted[9]))
    OR (len(wanted) >= 10 AND has_tag(tags, wanted[10]))
    OR (len(wanted) >= 11 AND has_tag(tags, wanted[11]))
    OR (len(wanted) >= 12 AND has_tag(tags, wanted[12]))
    OR (len(wanted) >= 13 AND list_bool_or(list_transform(wanted[13:], lambda one: has_tag(tags, one))))
);
