-- The description of each frame or box that is used: a person's, or else the newest one of a captioner.
--
--     SELECT frame_id, text FROM descriptions WHERE detection_id IS NULL    -- of whole frames only
--
-- detection_id  the face, head or person that is described; null: the whole frame
-- model         the captioner's id, or 'label' for a description that a person wrote; then prompt and language are null
-- described_at  when it was written
--
-- `all_descriptions` has those of every model and prompt. Descriptions of boxes that a later detector has replaced are
-- left out.
CREATE OR REPLACE VIEW descriptions AS
WITH written AS (
    SELECT
        frame_id, detection_id, text, model, prompt, language, described_at, source_id, "show", season, episode,
        false AS by_people, description_id AS id
    FROM lance_descriptions
    UNION ALL
    SELECT
        frame_id, detection_id, value, 'label', NULL, NULL, "at", source_id, "show", season, episode, true, label_id
    FROM description_labels
)

SELECT
    frame_id, detection_id, text, model, prompt, language, described_at, source_id, "show", season, episode
FROM written
WHERE CASE
    WHEN detection_id IS NULL THEN frame_id IN (SELECT frame_id FROM lance_frames)
    ELSE detection_id IN (SELECT detection_id FROM newest_detections)
END
QUALIFY row_number() OVER (
    PARTITION BY frame_id, detection_id ORDER BY by_people DESC, described_at DESC, id DESC
) = 1;
