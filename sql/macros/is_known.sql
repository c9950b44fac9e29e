-- Is this the name of a character? False for 'unknown' (similar to none of the examples) and 'ood' (not in the cast).
-- NULL for a box that was never classified.
--
--     SELECT count(*) FROM faces WHERE is_known(character)
CREATE OR REPLACE MACRO is_known(character) AS character NOT IN ('unknown', 'ood');
