-- One row per mask in use: which pixels of a frame show a character, text, a border, a logo or another part.
--
--     SELECT frame_id, coverage FROM masks WHERE part = 'character' AND detection_id IS NULL
--
-- detection_id  the box whose content is masked, and its kind; NULL: the whole frame
-- part          character (from `animeds segment`), text, border, logo, or what a person called it
-- left, top, right, bottom are the region that the mask covers, 0…1 of the displayed frame. Outside of it, nothing is
--               in the part.
-- shape         grey PNG stretched over that region, white = in the part; NULL: all of the region
-- coverage      share of the frame's area that is in the part, 0…1
-- model         id of the model; NULL: drawn by hand, or a border or band of text that the ingest measured
-- by            model | person. A mask that a person drew replaces those of the same part of that box; one of the
--               whole frame replaces all of that part, also what people drew for boxes before.
CREATE OR REPLACE VIEW masks AS
WITH found AS (
    SELECT * FROM model_masks
    UNION ALL BY NAME
    SELECT
        *,
        NULL AS detection_id,
        NULL AS kind,
        NULL AS shape,
        (("right" - "left") * (bottom - top))::FLOAT AS coverage
    FROM measured_masks
)

SELECT
    mask_id, frame_id, source_id, "show", season, episode, detection_id, kind, part, model,
    "left", top, "right", bottom, shape, coverage,
    'model' AS "by"
FROM found
ANTI JOIN drawn_masks AS drawn ON
    found.frame_id = drawn.frame_id
    AND found.part = drawn.part
    AND (drawn.kind IS NULL OR found.detection_id = drawn.detection_id)
UNION ALL
SELECT
    label_id, frame_id, source_id, "show", season, episode, detection_id, kind, part, NULL,
    "left", top, "right", bottom, shape, coverage,
    'person'
FROM drawn_masks AS drawn
ANTI JOIN drawn_masks AS later ON
    drawn.frame_id = later.frame_id
    AND drawn.part = later.part
    AND drawn.kind IS NOT NULL
    AND later.kind IS NULL
    AND later.label_id > drawn.label_id
WHERE CASE WHEN kind IS NULL THEN frame_id IN (SELECT frame_id FROM lance_frames) ELSE detection_id IS NOT NULL END;
