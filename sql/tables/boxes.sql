-- The boxes of one kind in use, like the views faces, heads, halfbodies and persons, but for any kind of box.
--
--     SELECT count(*) FROM boxes('eye')
--
-- wanted  the kind: eye, hand, text, censor … as the detectors name them; `SELECT DISTINCT kind FROM detections`
CREATE OR REPLACE MACRO boxes(wanted) AS TABLE
SELECT * EXCLUDE (named_by) FROM identified_detections WHERE kind = wanted;
