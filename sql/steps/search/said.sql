-- The frames on which some words are said, sung or written: best first.
--
-- shown     lines with the words, each with a frame of it: the columns of lines; score, which is higher for a better
--           line; frame_id; away_s
-- $phrase   the words as they were given, in lower case: lines with exactly this come first
-- $k        how many
-- {frames}  the frames of the lines
-- {where}   a condition on these
SELECT
    f.frame_id, f.source_id, f."show", f.season, f.episode, f.time_s,
    shown.text, shown.speaker, shown.kind, shown.language, shown.start_s, shown.end_s, shown.away_s, shown.line_id,
    shown.score::DOUBLE AS score
FROM shown
JOIN (SELECT frame_id, source_id, "show", season, episode, time_s FROM {frames} WHERE {where}) AS f USING (frame_id)
ORDER BY
    contains(lower(shown.text), $phrase) DESC,
    shown.score DESC,
    f."show",
    f.season,
    f.episode,
    f.source_id,
    shown.start_s,
    shown.line_id,
    f.time_s
LIMIT $k
