-- Which character a speaker's name means: who is on the screen while that speaker speaks. A proposal, to be checked.
--
-- speaker    the name in the subtitles; character: a named face seen during those lines
-- lines      lines of that speaker; seen: those of them during which any named face is on the screen
-- shown      lines during which this character is on the screen; alone: and no other face
-- share      shown / seen, 0…1; usual: the same share over all speakers of the show
-- same_name  true if speaker and character have the same name, or one name contains the other as a word
-- confirmed  true if a person confirmed this character for the speaker
-- proposed   true for the best character of a speaker, if the evidence is clear: at least $min_lines lines, more than
--            half of those seen, and more often than usual; or the same name
WITH spoken AS (
    SELECT coalesce("show", '') AS "show", speaker, count(*) AS lines
    FROM lines
    WHERE kind = 'dialogue' AND speaker IS NOT NULL
    GROUP BY ALL
),

heard AS (
    SELECT
        coalesce("show", '') AS "show", speaker, line_id, character,
        count(face_id) OVER (PARTITION BY line_id, frame_id) AS n_faces
    FROM dialogue
    WHERE speaker IS NOT NULL
),

on_screen AS (
    SELECT "show", speaker, line_id, character, bool_or(n_faces = 1) AS is_alone
    FROM heard
    WHERE is_known(character)
    GROUP BY ALL
),

seen AS (
    SELECT "show", speaker, count(DISTINCT line_id) AS seen FROM on_screen GROUP BY ALL
),

counted AS (
    SELECT "show", speaker, character, count(*) AS shown, count(*) FILTER (WHERE is_alone) AS alone
    FROM on_screen
    GROUP BY ALL
),

usual AS (
    SELECT counted."show", character, sum(shown) / any_value(all_seen) AS usual
    FROM counted
    JOIN (SELECT "show", sum(seen) AS all_seen FROM seen GROUP BY "show") AS totals USING ("show")
    GROUP BY ALL
),

evidence AS (
    SELECT
        *,
        shown / seen AS share,
        len(list_intersect(
            string_split(lower(replace(speaker, '_', ' ')), ' '),
            string_split(lower(replace(character, '_', ' ')), ' ')
        )) > 0 AS same_name
    FROM counted
    JOIN spoken USING ("show", speaker)
    JOIN seen USING ("show", speaker)
    JOIN usual USING ("show", character)
),

ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY "show", speaker ORDER BY same_name DESC, share - usual DESC, alone DESC, character
        ) AS place
    FROM evidence
)

SELECT
    nullif("show", '') AS "show", speaker, character, lines, seen, shown, alone,
    round(share, 3) AS share,
    round(usual, 3) AS usual,
    same_name,
    coalesce(n.said_by = character, false) AS confirmed,
    place = 1 AND (same_name OR (shown >= $min_lines AND share > 0.5 AND share > usual)) AS proposed
FROM ranked
LEFT JOIN speaker_names AS n USING (speaker)
ORDER BY "show", speaker, place
