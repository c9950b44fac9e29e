-- Who is where: one row per face that has a name. A person whose face is not seen (from behind) has the id of
-- the head or person box as face_id; kind says which.
--
-- score, margin  0…1, of `animeds characters classify`; 1 where a person said it
-- by             label, or what decided: examples, shot, tag, body
-- Faces of nobody known ('unknown', 'ood') are not here: `faces` has them.
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
