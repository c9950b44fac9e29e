-- The frames of the lines in which some words are said, sung or written: best first.
--
-- $words     the words, in lower case: a line has all of them
-- $phrase    the words as they were given, in lower case: lines with exactly this come first
-- $k         how many
-- $within_s  a line without a frame of its own gets the nearest one, at most this many seconds away
-- {lines}    a condition on the view lines that all lines with the words meet
-- {where}    a condition on the view frames
WITH matching AS (
    SELECT *, contains(lower(text), $phrase) AS is_phrase
    FROM lines
    WHERE ({lines}) AND len(list_filter($words::VARCHAR[], lambda word: contains(lower(text), word))) = len($words)
),

seen AS (
    SELECT
        f.frame_id, f.time_s, l.*,
        f.time_s >= l.start_s AND f.time_s < l.end_s AS is_within,
        greatest(l.start_s - f.time_s, f.time_s - l.end_s, 0) AS away_s
    FROM matching AS l
    JOIN (SELECT frame_id, source_id, time_s FROM frames WHERE {where}) AS f
        ON l.source_id = f.source_id AND f.time_s >= l.start_s - $within_s AND f.time_s < l.end_s + $within_s
)

SELECT
    frame_id, source_id, "show", season, episode, time_s, text, speaker, kind, language, start_s, end_s, away_s, line_id
FROM seen
QUALIFY is_within OR row_number() OVER (PARTITION BY line_id ORDER BY is_within DESC, away_s, frame_id) = 1
ORDER BY is_phrase DESC, "show", season, episode, source_id, start_s, line_id, time_s
LIMIT $k
