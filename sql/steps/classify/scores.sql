-- Turns votes into names: `unknown` if the score or the margin is too low.
--
-- A box that may be no face needs a better vote. Its score is lower in the proportion in which the detector's score is
-- below `sure`, one of the detector's thresholds in the table models. A detector without it is sure of every box.
--
-- votes        face, character, appearance, example_id, similarity, share, second, margin (see
--              animeds_db/steps/characters/vote.py)
-- places       face, detection_id
-- $slope, $middle          the calibration: see animeds_db/steps/characters/calibrate.py
-- $threshold, $margin      minimum score and margin for a name, 0…1
--
-- gives        one row per face, and per recognised head or person without a face: character (including 'unknown' and
--              'ood'), named (the name that a person gave, or else character), sure (1 if a person named it, else the
--              score)
WITH detectors AS (
    SELECT model_id AS model, (thresholds ->> '$.sure')::FLOAT AS sure
    FROM lance_models
    WHERE task = 'detector'
),

scored AS (
    SELECT
        detection_id,
        votes.* EXCLUDE (face),
        (
            least(coalesce(d.score / detectors.sure, 1), 1)
            * share / (1 + exp(-$slope * (-ln(1 - similarity + 0.02) - $middle)))
        )::FLOAT AS score
    FROM votes
    JOIN places USING (face)
    JOIN newest_detections AS d USING (detection_id)
    LEFT JOIN detectors ON detectors.model = d.model
),

labelled AS (
    SELECT detection_id, coalesce(names.final, value) AS character
    FROM box_labels
    LEFT JOIN names ON names.name = value
    WHERE field = 'character' AND detection_id IS NOT NULL
),

decided AS (
    SELECT
        *,
        CASE
            WHEN score >= $threshold::FLOAT AND scored.margin >= $margin::FLOAT THEN character
            ELSE 'unknown'
        END AS answer
    FROM scored
)

SELECT
    decided.detection_id,
    d.frame_id,
    d.source_id,
    decided.answer AS character,
    CASE WHEN decided.answer = decided.character THEN decided.appearance END AS appearance,
    decided.score,
    decided.margin,
    -- for an unknown face, the most similar character
    CASE WHEN decided.answer = decided.character THEN decided.second ELSE decided.character END AS second,
    decided.example_id,
    coalesce(labelled.character, decided.answer) AS named,
    CASE WHEN labelled.character IS NULL THEN decided.score ELSE 1 END::FLOAT AS sure
FROM decided
JOIN newest_detections AS d USING (detection_id)
LEFT JOIN labelled USING (detection_id)
WHERE d.kind = 'face' OR is_known(decided.answer)
ORDER BY decided.detection_id
