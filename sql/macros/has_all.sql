-- Does a frame bear every tag of a list? An empty list asks for nothing: true.
--
--     SELECT frame_id FROM frames WHERE has_all(tag_ids, ['1girl', 'red_hair'])
--
-- Written as has_tag AND has_tag …: DuckDB folds away what a short list does not need, and
-- list_contains is many times faster than list_has_all, which in DuckDB 2.0 is also
-- wrong over some types of list. Beyond twelve tags the rest is counted.
CREATE OR REPLACE MACRO has_all(tags, wanted) AS (
        (len(wanted) <  1 OR has_tag(tags, wanted[1]))
    AND (len(wanted) <  2 OR has_tag(tags, wanted[2]))
    AND (len(wanted) <  3 OR has_tag(tags, wanted[3]))
    AND (len(wanted) <  4 OR has_tag(tags, wanted[4]))
    AND (len(wanted) <  5 OR has_tag(tags, wanted[5]))
    AND (len(wanted) <  6 OR has_tag(tags, wanted[6]))
    AND (len(wanted) <  7 OR has_tag(tags, wanted[7]))
    AND (len(wanted) <  8 OR has_tag(tags, wanted[8]))
    AND (len(wanted) <  9 OR has_tag(tags, wanted[9]))
    AND (len(wanted) < 10 OR has_tag(tags, wanted[10]))
    AND (len(wanted) < 11 OR has_tag(tags, wanted[11]))
    AND (len(wanted) < 12 OR has_tag(tags, wanted[12]))
    AND (len(wanted) < 13 OR list_bool_and(list_transform(wanted[13:], lambda one: has_tag(tags, one))))
);
