-- Does a frame have at least one tag of a list? False for an empty list.
--
--     SELECT frame_id FROM frames WHERE NOT has_any(tag_ids, ['text', 'watermark'])
--
-- At most 16 tags. It is written out for the same reasons as has_all.
CREATE OR REPLACE MACRO has_one_of_8(tags, wanted, done) AS (
    (len(wanted) > done AND has_tag(tags, wanted[done + 1]))
    OR (len(wanted) > done + 1 AND has_tag(tags, wanted[done + 2]))
    OR (len(wanted) > done + 2 AND has_tag(tags, wanted[done + 3]))
    OR (len(wanted) > done + 3 AND has_tag(tags, wanted[done + 4]))
    OR (len(wanted) > done + 4 AND has_tag(tags, wanted[done + 5]))
    OR (len(wanted) > done + 5 AND has_tag(tags, wanted[done + 6]))
    OR (len(wanted) > done + 6 AND has_tag(tags, wanted[done + 7]))
    OR (len(wanted) > done + 7 AND has_tag(tags, wanted[done + 8]))
);

CREATE OR REPLACE MACRO has_any(tags, wanted) AS
    CASE
        WHEN len(wanted) > 16 THEN error('has_any() takes at most 16 tags. Use it twice, joined by OR.')
        ELSE has_one_of_8(tags, wanted, 0) OR has_one_of_8(tags, wanted, 8)
    END;
