-- Openings, endings and recaps: runs of shots that several episodes share.
CREATE OR REPLACE VIEW segments AS
SELECT
    s.segment_id, s.source_id, s."show", s.season, s.episode,
    s.* EXCLUDE (segment_id, source_id, "show", season, episode)
FROM lance_segments AS s;
