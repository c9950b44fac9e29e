-- The number of girls, boys or people, from the tagger's counting tags ('2girls'). 6 means six or more;
-- 'multiple_girls' alone counts as 2. NULL for a frame that was never tagged.
--
--     SELECT frame_id FROM frames WHERE n_girls(tag_ids) = 1 AND n_boys(tag_ids) = 0
CREATE OR REPLACE MACRO n_girls(tags) AS
    CASE
        WHEN tags IS NULL THEN NULL
        WHEN has_tag(tags, '6+girls') THEN 6
        WHEN has_tag(tags, '5girls') THEN 5
        WHEN has_tag(tags, '4girls') THEN 4
        WHEN has_tag(tags, '3girls') THEN 3
        WHEN has_tag(tags, '2girls') THEN 2
        WHEN has_tag(tags, 'multiple_girls') THEN 2
        WHEN has_tag(tags, '1girl') THEN 1
        ELSE 0
    END;

CREATE OR REPLACE MACRO n_boys(tags) AS
    CASE
        WHEN tags IS NULL THEN NULL
        WHEN has_tag(tags, '6+boys') THEN 6
        WHEN has_tag(tags, '5boys') THEN 5
        WHEN has_tag(tags, '4boys') THEN 4
        WHEN has_tag(tags, '3boys') THEN 3
        WHEN has_tag(tags, '2boys') THEN 2
        WHEN has_tag(tags, 'multiple_boys') THEN 2
        WHEN has_tag(tags, '1boy') THEN 1
        ELSE 0
    END;

CREATE OR REPLACE MACRO n_people(tags) AS n_girls(tags) + n_boys(tags);
