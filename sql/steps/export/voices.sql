-- The lines that a character says, by the speakers that people confirmed, in order of time.
--
-- $character, $language  language of the text; NULL: that of the track with the speakers
-- gives                  source_id, line_id, start_s, end_s, text, language, speaker, and why a line cannot be used:
--                        short | overlap (somebody else speaks) | song (also openings and endings) | untranslated
--                        (no line in $language at this time); NULL: it can
--
-- The speakers are those of one track per source, if possible of one in $language. Else the text is that of the lines
-- in $language at the same time.
WITH own AS (
    SELECT *
    FROM lines
    WHERE kind = 'dialogue' AND said_by = $character
    QUALIFY 1 = dense_rank() OVER (
        PARTITION BY source_id
        ORDER BY coalesce("language" = $language, false) DESC, track NULLS LAST, track_title NULLS LAST
    )
),

-- a line that is in the track twice, such as for its shadow, is one
once AS (
    SELECT *, ("language" = $language OR $language IS NULL) IS TRUE AS has_language
    FROM own
    QUALIFY 1 = row_number() OVER (PARTITION BY source_id, start_s, end_s, text ORDER BY line_id)
),

translated AS (
    SELECT *
    FROM lines
    WHERE kind = 'dialogue' AND "language" = $language
    QUALIFY 1 = dense_rank() OVER (PARTITION BY source_id ORDER BY track NULLS LAST, track_title NULLS LAST)
),

texts AS (
    SELECT o.line_id, string_agg(t.text, ' ' ORDER BY t.start_s, t.line_id) AS text
    FROM once AS o
    JOIN translated AS t ON t.source_id = o.source_id AND t.start_s < o.end_s AND t.end_s > o.start_s
    WHERE NOT o.has_language
        AND least(t.end_s, o.end_s) - greatest(t.start_s, o.start_s)
        >= greatest(t.end_s - t.start_s, o.end_s - o.start_s) / 2
    GROUP BY o.line_id
),

disturbed AS (
    SELECT o.line_id, bool_or(l.kind = 'song') AS by_song, bool_or(l.kind = 'dialogue') AS by_others
    FROM once AS o
    JOIN lines AS l ON l.source_id = o.source_id AND l.start_s < o.end_s - 0.05 AND l.end_s > o.start_s + 0.05
    WHERE l.kind = 'song' OR (
        l.kind = 'dialogue' AND l.text <> o.text
        AND l.track IS NOT DISTINCT FROM o.track AND l.track_title IS NOT DISTINCT FROM o.track_title
    )
    GROUP BY o.line_id
),

in_segments AS (
    SELECT DISTINCT o.line_id
    FROM once AS o
    JOIN segments AS s ON s.source_id = o.source_id AND s.start_s < o.end_s AND s.end_s > o.start_s
    WHERE s.kind IN ('opening', 'ending')
)

SELECT
    o.source_id, o.line_id, o.start_s, o.end_s, o.speaker,
    CASE WHEN o.has_language THEN o.text ELSE texts.text END AS text,
    CASE WHEN o.has_language THEN o."language" ELSE $language END AS "language",
    CASE
        WHEN o.end_s - o.start_s < 0.5 THEN 'short'
        WHEN s.line_id IS NOT NULL OR d.by_song THEN 'song'
        WHEN d.by_others THEN 'overlap'
        WHEN NOT o.has_language AND texts.text IS NULL THEN 'untranslated'
    END AS why
FROM once AS o
LEFT JOIN texts ON texts.line_id = o.line_id
LEFT JOIN disturbed AS d ON d.line_id = o.line_id
LEFT JOIN in_segments AS s ON s.line_id = o.line_id
ORDER BY o.source_id, o.start_s, o.line_id;
