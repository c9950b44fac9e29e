-- The characters: the numbers of their faces, frames and examples, and a few typical faces.
--
-- Typical are large faces that were named by their looks; each of the four is from another shot where there are four.
WITH known AS (
    SELECT
        n.character, n.frame_id, n.detection_id, n.named_by,
        p.shot, n.source_id, coalesce((f."right" - f."left") * (f.bottom - f.top), 0) AS size
    FROM named AS n
    LEFT JOIN faces AS f ON f.face_id = n.detection_id
    LEFT JOIN frames AS p ON p.frame_id = n.frame_id
    WHERE is_known(n.character)
),

in_turn AS (
    SELECT *, row_number() OVER (
        PARTITION BY character, source_id, shot
        ORDER BY named_by IN ('label', 'examples') DESC, size DESC, detection_id
    ) AS turn
    FROM known
),

named AS (
    SELECT
        character,
        count(*) AS faces,
        count(DISTINCT frame_id) AS frames,
        list({
            'frame_id': frame_id, 'face_id': detection_id
        } ORDER BY turn, named_by IN ('label', 'examples') DESC, size DESC, detection_id)[1:4] AS sample
    FROM in_turn
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
