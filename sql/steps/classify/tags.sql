-- Unknown faces that are named from a character tag of their frame, if they are the only face in it.
--
-- scores       the result of scores.sql
-- cast_names   character: the characters with examples
-- $tag_score   minimum score of the tag, 0…1
--
-- gives        detection_id, character, score, by
--
-- The tag for "Takamachi Nanoha" is takamachi_nanoha, with or without a series: takamachi_nanoha_(nanoha).
WITH known AS (
    SELECT v.tag, c.character
    FROM vocabulary AS v
    JOIN cast_names AS c
        ON regexp_replace(lower(v.tag), '_\([^()]*\)$', '') = replace(lower(c.character), ' ', '_')
    WHERE v.category = 'character'
),

named_frames AS (
    SELECT t.frame_id, known.character, max(t.score) AS score
    FROM scored_tags AS t
    JOIN known USING (tag)
    WHERE t.score >= $tag_score
    GROUP BY t.frame_id, known.character
)

SELECT
    alone.detection_id,
    any_value(named_frames.character) AS character,
    any_value(named_frames.score)::FLOAT AS score,
    'tag' AS "by"
FROM named_frames
JOIN only_faces AS alone USING (frame_id)
JOIN scores ON scores.detection_id = alone.detection_id AND scores.named = 'unknown'
GROUP BY alone.detection_id
HAVING count(*) = 1  -- two names for one face are ambiguous
ORDER BY alone.detection_id
