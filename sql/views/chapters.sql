-- The chapters of videos, numbered in order of time from 0.
--
-- start_s, end_s  seconds from the start of the video, as frames.time_s
-- kind            opening | ending | recap | preview, if the title says so
CREATE OR REPLACE VIEW chapters AS
SELECT chapter_id, source_id, "show", season, episode, number, start_s, end_s, title, kind
FROM lance_chapters;
