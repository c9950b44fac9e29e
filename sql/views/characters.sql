-- The characters in each frame: one row per face that has a name. For a person seen from behind, face_id is the id
-- of the head or person box, and kind is the kind of that box.
--
-- score, margin  0…1, from `animeds characters classify`; 1 for a name that a person gave
-- by             label, or what decided: examples, shot, tag, body
-- Faces that were not recognised ('unknown', 'ood') are left out. The view `faces` has them.
CREATE OR REPLACE VIEW characters AS
SELECT
    frame_id,
    detection_id AS face_id,
    character,
    appearance,
    character_score AS score,
    margin,
    named_by AS "by",
    box_kind(detection_id, frame_id) AS kind,
    source_id,
    "show",
    "show" AS show_name,
    season,
    episode
FROM named
WHERE is_known(character);
