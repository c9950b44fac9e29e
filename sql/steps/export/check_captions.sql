-- Faults in captions: one row per caption and fault.
--
-- captions     frame_id, caption, n_tokens (NULL: not counted)
-- activation   name: the activation tags, in lower case and with spaces
-- $max_tokens  number of tokens that the text encoder reads
-- gives        frame_id, fault, words (what is wrong in the caption), caption
--
-- empty           a caption without words
-- contradiction   tags that cannot both be true: solo and 2girls, indoors and outdoors, day and night; of a single
--                 person also two hair colours, eye colours or lengths of hair
-- core trait      a permanent look of the character that the activation tag stands for: the character of that name,
--                 else the most frequent one in these frames. It should be learnt with the tag (leave_out = ["core"]).
-- too long        more tokens than the text encoder reads
WITH numbered AS MATERIALIZED (SELECT row_number() OVER () AS number, * FROM captions),

spaced AS (
    SELECT
        number,
        frame_id,
        caption,
        ' ' || trim(regexp_replace(lower(replace(caption, chr(92), '')), '[\s,.|_]+', ' ', 'g')) || ' ' AS text
    FROM numbered
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

-- The tags of a caption: what stands between commas, full stops, and the marks of JSON.
tags AS (
    SELECT number, trim(replace(word, '_', ' ')) AS tag, place
    FROM (
        SELECT number, unnest(words) AS word, generate_subscripts(words, 1) AS place
        FROM (SELECT number, regexp_split_to_array(lower(caption), '[,.|"{}\[\]:\n]+') AS words FROM numbered)
    )
),

-- What a tag says about a subject. Two tags contradict each other if they say different things about one subject.
said AS (
    SELECT number, tag, place, unnest([
        {'subject': 'people', 'is': CASE
            WHEN tag = 'no humans' THEN 'none'
            WHEN regexp_full_match(tag, 'solo|[1-6]\+?(girl|boy|other|person|people)s?|multiple (girls|boys|others)')
                THEN 'some'
        END},
        {'subject': 'number', 'is': CASE
            WHEN tag IN ('solo', '1person') THEN 'one'
            WHEN regexp_full_match(tag, '([2-6]\+?|multiple )(girls|boys|others)|[2-6]people|manypeople') THEN 'several'
        END},
        {'subject': 'girls', 'is': CASE
            WHEN tag = '1girl' THEN 'one' WHEN regexp_full_match(tag, '([2-6]\+?|multiple )girls') THEN 'several'
        END},
        {'subject': 'boys', 'is': CASE
            WHEN tag = '1boy' THEN 'one' WHEN regexp_full_match(tag, '([2-6]\+?|multiple )boys') THEN 'several'
        END},
        {'subject': 'place', 'is': CASE WHEN tag IN ('indoors', 'outdoors') THEN tag END},
        {'subject': 'time', 'is': CASE WHEN tag IN ('day', 'night') THEN tag END},
        {'subject': 'quality', 'is': CASE
            WHEN regexp_full_match(tag, 'masterpiece|(best|great|good|amazing) quality') THEN 'good'
            WHEN regexp_full_match(tag, '(worst|low|bad) quality') THEN 'bad'
        END},
        {'subject': 'rating', 'is': CASE
            WHEN tag IN ('safe', 'general') THEN 'safe' WHEN tag IN ('explicit', 'questionable', 'sensitive') THEN tag
        END},
        {'subject': 'hair', 'is': regexp_extract(
            tag,
            '^(?:light |dark )?(aqua|black|blonde|blue|brown|green|grey|orange|pink|purple|red|silver|white) hair$',
            1
        )},
        {'subject': 'eyes', 'is': regexp_extract(
            tag, '^(aqua|black|blue|brown|green|grey|orange|pink|purple|red|white|yellow) eyes$', 1
        )},
        {'subject': 'hair length', 'is': regexp_extract(tag, '^(?:very |absurdly )?(short|medium|long) hair$', 1)},
        {'subject': 'mouth', 'is': CASE WHEN tag IN ('open mouth', 'closed mouth') THEN tag END}
    ], recursive := true)
    FROM tags
),

-- Looks contradict each other only where one person is there, who has neither two hair nor two eye colours.
alone AS (
    SELECT number
    FROM tags
    GROUP BY number
    HAVING
        count(DISTINCT tag) FILTER (WHERE tag IN ('1girl', '1boy', '1other', '1person')) <= 1
        AND bool_or(tag IN ('solo', '1girl', '1boy', '1other', '1person'))
        AND NOT bool_or(regexp_full_match(tag, '([2-6]\+?|multiple )(girls|boys|others)|[2-6]people|manypeople'))
        AND NOT bool_or(starts_with(tag, 'on the ') OR tag IN (
            'in the middle', 'multicolored hair', 'two-tone hair', 'gradient hair', 'streaked hair', 'split-color hair',
            'colored inner hair', 'heterochromia', 'multicolored eyes', 'multiple views'
        ))
),

contradictions AS (
    SELECT number, subject, string_agg(tag, ', ' ORDER BY place) AS words, min(place) AS place
    FROM said
    WHERE "is" <> ''
        AND (
            subject NOT IN ('hair', 'eyes', 'hair length', 'mouth')
            OR number IN (SELECT number FROM alone)
        )
    GROUP BY number, subject
    HAVING count(DISTINCT "is") > 1
),

faults AS (
    SELECT number, 'empty' AS fault, '' AS words FROM spaced WHERE text IN (' ', '  ')
    UNION ALL
    SELECT number, 'contradiction', string_agg(DISTINCT words, '; ' ORDER BY words) FROM contradictions GROUP BY number
    UNION ALL
    SELECT s.number, 'core trait', string_agg(t.words, ', ' ORDER BY t.words)
    FROM spaced AS s
    JOIN traits AS t ON contains(s.text, ' ' || t.words || ' ')
    SEMI JOIN (SELECT frame_id, character FROM characters) AS c ON s.frame_id = c.frame_id AND t.character = c.character
    WHERE EXISTS (SELECT 1 FROM activation WHERE contains(s.text, ' ' || activation.name || ' '))
    GROUP BY s.number
    UNION ALL
    SELECT number, 'too long', concat(n_tokens, ' tokens; the limit is ', $max_tokens)
    FROM numbered
    WHERE n_tokens > $max_tokens
)

SELECT n.frame_id, f.fault, f.words, n.caption
FROM faults AS f
JOIN numbered AS n USING (number)
ORDER BY n.frame_id, n.number, f.fault
