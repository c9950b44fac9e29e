-- name: outfits
-- What each character wears, by the tags of frames on which they are alone.
-- share is of those frames (n_seen); episodes are those in which it is worn.
-- param character: text = null     only this one
-- param per: text = series         series, season or episode: what a row is counted over
-- param threshold: real = 0.35     score that counts as bearing a tag, 0…1
-- param least: int = 2             tags of fewer frames are left out
-- param show: text = null          only this show
WITH on_frames AS (
    SELECT
        unnest(characters) AS character,
        frame_id,
        period($per, season, episode) AS period
    FROM frame_characters
    WHERE n_characters = 1 AND n_boxes <= 1 AND ($show IS NULL OR "show" = $show)
),

seen AS (  -- frames that were never tagged say nothing
    SELECT character, period, count(*) AS n_seen
    FROM on_frames
    SEMI JOIN tags USING (frame_id)
    GROUP BY character, period
),

borne AS (
    SELECT
        character,
        period,
        tag,
        count(*) AS n_frames,
        list_sort(list(DISTINCT episode_name(season, episode))) AS episodes
    FROM (SELECT *, period($per, season, episode) AS period FROM character_tags($threshold))
    WHERE alone AND is_outfit_tag(tag) AND ($show IS NULL OR "show" = $show)
    GROUP BY character, period, tag
)

SELECT
    borne.character,
    borne.period,
    tag AS outfit,
    n_frames,
    n_seen,
    round(n_frames / n_seen, 3) AS share,
    episodes
FROM borne
JOIN seen ON seen.character = borne.character AND seen.period IS NOT DISTINCT FROM borne.period
WHERE n_frames >= $least AND ($character IS NULL OR borne.character = $character)
ORDER BY borne.character, borne.period, n_frames DESC, tag;
