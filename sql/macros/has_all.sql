-- Does a frame have every tag of a list? True for an empty list.
--
--     SELECT frame_id FROM frames WHERE has_all(tag_ids, ['1girl', 'red_hair'])
--
-- At most 16 tags. It is written as has_tag AND has_tag … because DuckDB removes the terms that a short list does not
-- need, and because list_contains is many times faster than list_has_all. In DuckDB 2.0, list_has_all also gives wrong
-- answers for some types of list.
CREATE OR REPLACE MACRO has_next_8(tags, wanted, done) AS (
    (len(wanted) <= done OR has_tag(tags, wanted[done + 1]))
    AND (len(wanted) <= done + 1 OR has_tag(tags, wanted[done + 2]))
    AND (len(wanted) <= done + 2 OR has_tag(tags, wanted[done + 3]))
    AND (len(wanted) <= done + 3 OR has_tag(tags, wanted[done + 4]))
    AND (len(wanted) <= done + 4 OR has_tag(tags, wanted[done + 5]))
    AND (len(wanted) <= done + 5 OR has_tag(tags, wanted[done + 6]))
    AND (len(wanted) <= done + 6 OR has_tag(tags, wanted[done + 7]))
    AND (len(wanted) <= done + 7 OR has_tag(tags, wanted[done + 8]))
);

CREATE OR REPLACE MACRO has_all(tags, wanted) AS
    CASE
        WHEN len(wanted) > 16 THEN error('has_all() takes at most 16 tags. Use it twice, joined by AND.')
        ELSE has_next_8(tags, wanted, 0) AND has_next_8(tags, wanted, 8)
    END;
