-- The characters: the numbers of their faces, frames and examples, and the faces with the largest margins.
WITH named AS (
    SELECT
        character,
        count(*) AS faces,
        count(DISTINCT frame_id) AS frames,
        list({
            'frame_id': frame_id, 'face_id': detection_id
        } ORDER BY margin DESC NULLS LAST, detection_id)[1:4] AS sample
    FROM named
    WHERE is_known(character)
    GROUP BY character
),

given AS (
    SELECT character, count(*) AS examples FROM examples WHERE character <> 'ood' GROUP BY character
)

SELECT
    coalesce(named.character, given.character) AS name,
    coalesce(faces, 0) AS faces,
    coalesce(frames, 0) AS frames,
    coalesce(examples, 0) AS examples,
    coalesce(sample, []) AS sample
FROM named
FULL JOIN given ON given.character = named.character
ORDER BY faces DESC, name
