-- The permanent looks of a character: hair, eye and trait tags on at least 35 % of the frames that show only this
-- character. Captions can leave them out (leave_out = ["core"]), so that the model learns them with the name.
--
--     SELECT character, tag, share FROM core_tags ORDER BY character, share DESC
--
-- share   of those frames, 0…1; 0.35 is the threshold of anime2sd
CREATE OR REPLACE VIEW core_tags AS
WITH alone AS (
    SELECT character, frame_id, tag FROM character_tags() WHERE alone AND category = 'general'
),

counted AS (
    SELECT character, tag, count(DISTINCT frame_id) AS n_frames FROM alone GROUP BY character, tag
),

seen AS (
    SELECT character, count(DISTINCT frame_id) AS n_seen FROM alone GROUP BY character
)

SELECT character, tag, n_frames / n_seen AS share, n_frames
FROM counted JOIN seen USING (character)
WHERE n_frames / n_seen >= 0.35 AND (is_hair_tag(tag) OR is_eye_color_tag(tag) OR is_trait_tag(tag));
