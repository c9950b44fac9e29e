-- The name of an episode: S01E02. E02 without a season, S01 without an episode, NULL without both.
CREATE OR REPLACE MACRO episode_name(season, episode) AS
    nullif(
        concat(
            'S' || lpad(season::VARCHAR, greatest(2, length(season::VARCHAR))::INTEGER, '0'),
            'E' || lpad(episode::VARCHAR, greatest(2, length(episode::VARCHAR))::INTEGER, '0')
        ),
        ''
    );

-- Is this episode in a list? An entry is a number (3, of any season), an episode (S01E03) or a season (S01).
CREATE OR REPLACE MACRO is_episode(season, episode, entries) AS
    list_has_any(
        entries::VARCHAR[], [episode::VARCHAR, episode_name(season, episode), episode_name(season, NULL)]
    );

-- The period to which a row belongs: NULL for the whole series, or the name of a season or an episode.
CREATE OR REPLACE MACRO period(per, season, episode) AS
    CASE per
        WHEN 'series' THEN NULL
        WHEN 'season' THEN episode_name(season, NULL)
        WHEN 'episode' THEN episode_name(season, episode)
        ELSE error('per must be series, season or episode, not ' || per || '.')
    END;

-- Seconds as minutes and seconds: 75.4 is 1:15.
CREATE OR REPLACE MACRO clock(seconds) AS
    (floor(seconds)::BIGINT // 60)::VARCHAR || ':' || lpad((floor(seconds)::BIGINT % 60)::VARCHAR, 2, '0');
