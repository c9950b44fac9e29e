-- Openings, endings and recaps, one row each, by the best evidence that there is for it.
--
-- by           chapter: the title of a chapter says so; shots: several episodes share these shots (`animeds dedup`);
--              lyrics: the style of subtitles says so, such as OP-Romaji
-- shared_with  the other episodes; null unless by is shots
CREATE OR REPLACE VIEW segments AS
WITH told AS (
    SELECT chapter_id AS segment_id, source_id, "show", season, episode, kind, start_s, end_s, 'chapter' AS "by"
    FROM lance_chapters
    WHERE kind IN ('opening', 'ending', 'recap')
    UNION ALL
    SELECT
        source_id || '-' || song AS segment_id, source_id,
        any_value("show"), any_value(season), any_value(episode),
        song, min(start_s), max(end_s), 'lyrics'
    FROM lance_lines
    WHERE song IS NOT NULL
    GROUP BY source_id, song
    HAVING max(end_s) - min(start_s) BETWEEN 20 AND 180  -- a song of an episode takes about 90 s
),

on_shots AS (
    SELECT t.*, f.first_shot, f.last_shot, f.n_frames
    FROM told AS t
    CROSS JOIN LATERAL (
        SELECT min(shot) AS first_shot, max(shot) AS last_shot, count(*) AS n_frames
        FROM lance_frames AS f
        WHERE f.source_id = t.source_id AND f.time_s >= t.start_s AND f.time_s < t.end_s
    ) AS f
),

every AS (
    SELECT
        segment_id, source_id, "show", season, episode, kind, first_shot, last_shot, start_s, end_s, n_frames,
        shared_with, 'shots' AS "by", 2 AS "rank"
    FROM lance_segments
    UNION ALL
    SELECT
        segment_id, source_id, "show", season, episode, kind, first_shot, last_shot, start_s, end_s, n_frames,
        NULL, "by", CASE "by" WHEN 'chapter' THEN 1 ELSE 3 END
    FROM on_shots
)

SELECT * EXCLUDE ("rank")
FROM every AS s
WHERE NOT EXISTS (
    SELECT 1
    FROM every AS better
    WHERE better.source_id = s.source_id AND better.kind = s.kind AND better."rank" < s."rank"
        AND better.start_s < s.end_s AND better.end_s > s.start_s
);
