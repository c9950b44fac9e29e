-- name: needs_review
-- The faces that are most worth reviewing: one per shot, name and reason.
-- worth is the value of a review (see the view doubts). reason is one of: the shot disagrees, the face is dark or
-- cut off, a small margin to `second`, a score near the threshold, or many similar faces.
-- param show: show = null          only this show
-- param limit: int = 100           maximum number of rows; null is all
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
