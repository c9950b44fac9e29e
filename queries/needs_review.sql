-- name: needs_review
-- The faces whose answer matters most, for people to look at: one of each shot, name and doubt.
-- worth is how much looking pays (see the view doubts); reason what speaks for it: the shot disagrees, it is
-- dark or cut off, a small margin to `second`, a score near the border, or many faces like it.
-- param show: show = null          only this show
-- param limit: int = 100           at most so many; null is all
SELECT
    frame_id,
    face_id,
    character,
    round(score::DOUBLE, 3) AS score,
    round(margin::DOUBLE, 3) AS margin,
    second,
    reason,
    round(worth::DOUBLE, 3) AS worth,
    "show",
    season,
    episode,
    time_s
FROM doubts
WHERE $show IS NULL OR "show" = $show
QUALIFY row_number() OVER (
    PARTITION BY source_id, shot, character, second ORDER BY doubts.worth DESC, face_id
) = 1
ORDER BY doubts.worth DESC, face_id
LIMIT $limit;
