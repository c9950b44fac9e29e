-- name: core_tags
-- Tags that distinguish each character from everyone else, or each series if by is 'show'.
-- share is relative to the frames on which the character is alone, others to the frames of single other characters.
-- lift is share minus others. The view core_tags has the hair, eyes and traits among these tags, for captions.
-- param character: text = null     only this one; null is all
-- param by: character|show = character   what a row is about
-- param min_share: real = 0.35     minimum share of the frames, 0…1
-- param min_lift: real = 0.2       minimum lift, 0…1
-- param threshold: real = null     minimum score of a tag, 0…1; null is the tagger's own threshold
WITH tagged AS (
    SELECT CASE $by WHEN 'show' THEN "show" ELSE character END AS who, frame_id, tag
    FROM character_tags($threshold)
    WHERE category = 'general' AND (alone OR $by = 'show')
),

seen AS (
    SELECT who, count(DISTINCT frame_id) AS n_frames FROM tagged WHERE who IS NOT NULL GROUP BY who
),

counted AS (
    SELECT who, tag, count(DISTINCT frame_id) AS n FROM tagged WHERE who IS NOT NULL GROUP BY who, tag
),

compared AS (
    SELECT
        who,
        tag,
        n,
        n_frames,
        sum(n) OVER (PARTITION BY tag) - n AS n_elsewhere,
        (SELECT sum(n_frames) FROM seen) - n_frames AS n_others
    FROM counted
    JOIN seen USING (who)
)

SELECT
    who AS character,
    tag,
    round(n / n_frames, 3) AS share,
    round(coalesce(n_elsewhere / nullif(n_others, 0), 0), 3) AS others,
    round(n / n_frames - coalesce(n_elsewhere / nullif(n_others, 0), 0), 3) AS lift,
    n AS n_frames
FROM compared
WHERE n / n_frames >= $min_share
    AND n / n_frames - coalesce(n_elsewhere / nullif(n_others, 0), 0) >= $min_lift
    AND ($character IS NULL OR who = $character)
ORDER BY who, lift DESC, tag;
