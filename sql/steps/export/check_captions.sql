-- Faults in captions: one row per caption and fault.
--
-- captions     frame_id, caption
-- activation   name: the activation tags, in lower case and with spaces
-- gives        frame_id, fault, words (what is wrong in the caption), caption
--
-- empty           a caption without words
-- contradiction   solo beside several people
-- core trait      a permanent look of the character that the activation tag stands for: the character of that name,
--                 else the most frequent one in these frames. It should be learnt with the tag (leave_out = ["core"]).
WITH spaced AS (
    SELECT
        frame_id,
        caption,
        ' ' || trim(regexp_replace(lower(replace(caption, chr(92), '')), '[\s,.|_]+', ' ', 'g')) || ' ' AS text
    FROM captions
),

present AS (
    SELECT character, count(DISTINCT frame_id) AS n_frames
    FROM characters
    SEMI JOIN captions USING (frame_id)
    GROUP BY character
),

main AS (
    SELECT character
    FROM present
    WHERE EXISTS (FROM activation)
    ORDER BY lower(replace(character, '_', ' ')) IN (SELECT name FROM activation) DESC, n_frames DESC, character
    LIMIT 1
),

traits AS (
    SELECT character, replace(tag, '_', ' ') AS words FROM core_tags SEMI JOIN main USING (character)
),

crowds AS (
    SELECT
        frame_id,
        caption,
        regexp_extract(text, ' ([2-6]\+?(girls|boys)|multiple (girls|boys)|[2-6]people) ', 1) AS words
    FROM spaced
    WHERE contains(text, ' solo ')
)

SELECT frame_id, 'empty' AS fault, '' AS words, caption FROM spaced WHERE text = '  ' OR text = ' '
UNION ALL
SELECT frame_id, 'contradiction', 'solo, ' || words, caption FROM crowds WHERE words <> ''
UNION ALL
SELECT s.frame_id, 'core trait', string_agg(t.words, ', ' ORDER BY t.words), s.caption
FROM spaced AS s
JOIN traits AS t ON contains(s.text, ' ' || t.words || ' ')
SEMI JOIN (SELECT frame_id, character FROM characters) AS c ON s.frame_id = c.frame_id AND t.character = c.character
WHERE EXISTS (SELECT 1 FROM activation WHERE contains(s.text, ' ' || activation.name || ' '))
GROUP BY s.frame_id, s.caption
ORDER BY frame_id, fault
