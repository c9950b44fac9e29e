-- Unknown faces whose frame has the tag of a character: the only face of a frame gets that name.
--
-- scores       what scores.sql gives
-- cast_names   character: those with examples
-- $tag_score   how sure the tagger must be of the tag, 0…1
--
-- gives        detection_id, character, score, by
--
-- The tag of "Takamachi Nanoha" is takamachi_nanoha, also with the name of a series: takamachi_nanoha_(nanoha).
WITH known AS (
    SELECT v.tag, c.character
    FROM vocabulary AS v
    JOIN cast_names AS c
        ON regexp_replace(lower(v.tag), '_\([^()]*\)$', '') = replace(lower(c.character), ' ', '_')
    WHERE v.category = 'character'
),

borne AS (
    SELECT t.frame_id, known.character, max(t.score) AS score
    FROM scored_tags AS t
    JOIN known USING (tag)
    WHERE t.score >= $tag_score
    GROUP BY t.frame_id, known.character
)

SELECT
    alone.detection_id,
    any_value(borne.character) AS character,
    any_value(borne.score)::FLOAT AS score,
    'tag' AS "by"
FROM borne
JOIN only_faces AS alone USING (frame_id)
JOIN scores ON scores.detection_id = alone.detection_id AND scores.named = 'unknown'
GROUP BY alone.detection_id
HAVING count(*) = 1  -- two names for one face say nothing
ORDER BY alone.detection_id
