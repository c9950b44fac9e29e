-- An episode's number as people write it: S01E02; E02 without a season, S01 without an episode; NULL without both.
CREATE OR REPLACE MACRO episode_name(season, episode) AS
    nullif(
        concat(
            'S' || lpad(season::VARCHAR, greatest(2, length(season::VARCHAR))::INTEGER, '0'),
            'E' || lpad(episode::VARCHAR, greatest(2, length(episode::VARCHAR))::INTEGER, '0')
        ),
        ''
    );

-- The part of the series that a row is counted in: NULL (all of it), a season or an episode.
CREATE OR REPLACE MACRO period(per, season, episode) AS
    CASE per
        WHEN 'series' THEN NULL
        WHEN 'season' THEN episode_name(season, NULL)
        WHEN 'episode' THEN episode_name(season, episode)
        ELSE error('per is series, season or episode, not ' || per)
    END;

-- Seconds as people write them: 75.4 is 1:15.
CREATE OR REPLACE MACRO clock(seconds) AS
    (floor(seconds)::BIGINT // 60)::VARCHAR || ':' || lpad((floor(seconds)::BIGINT % 60)::VARCHAR, 2, '0');
