-- The number of a character's frames with each tag: one row per character, period and tag.
--
--     SELECT * FROM character_tag_counts('season') WHERE is_outfit_tag(tag) ORDER BY n_frames DESC
--
-- per         series, season or episode: the period of a row
-- threshold   minimum score of a tag, 0…1; null is the tagger's own threshold
-- only_alone  count only frames that show nobody else, because their tags are about this character
-- of_show     only this show; null is all
-- n_seen      number of the character's frames that were tagged; share is n_frames / n_seen
CREATE OR REPLACE MACRO character_tag_counts(
    per := 'series', threshold := NULL, only_alone := true, of_show := NULL
) AS TABLE
WITH seen AS (  -- without frames that were never tagged
    SELECT character, period, count(*) AS n_seen
    FROM (
        SELECT unnest(characters) AS character, frame_id, period(per, season, episode) AS period
        FROM frame_characters
        WHERE (NOT only_alone OR (n_characters = 1 AND n_boxes <= 1)) AND (of_show IS NULL OR "show" = of_show)
    )
    SEMI JOIN scored_tags USING (frame_id)
    GROUP BY character, period
),

counted AS (
    SELECT
        character,
        period,
        tag,
        count(*) AS n_frames,
        list_sort(list(DISTINCT episode_name(season, episode))) AS episodes
    FROM (SELECT *, period(per, season, episode) AS period FROM character_tags(threshold))
    WHERE (NOT only_alone OR alone) AND (of_show IS NULL OR "show" = of_show)
    GROUP BY character, period, tag
)

SELECT counted.character, counted.period, tag, n_frames, n_seen, round(n_frames / n_seen, 3) AS share, episodes
FROM counted
JOIN seen ON seen.character = counted.character AND seen.period IS NOT DISTINCT FROM counted.period;
