-- How many pictures of a character there are of each kind, and the best ones that were not chosen.
--
-- pictures   what pictures.sql gives
-- kinds      aspect, value: every kind that is asked about, in the order of the answer (place)
-- $most      maximum number of the best frames
-- gives      aspect, value, appearance (NULL: pictures whose appearance is not known, or all where none is known),
--            n (chosen), n_more (not chosen), best (frame ids that are not chosen and that nobody dropped; those that
--            are no near-duplicates first)
WITH outfits AS (
    SELECT DISTINCT appearance FROM pictures
    WHERE appearance IS NOT NULL OR NOT EXISTS (SELECT 1 FROM pictures WHERE appearance IS NOT NULL)
),

counted AS (
    SELECT
        appearance,
        aspect,
        value,
        count(*) FILTER (WHERE chosen) AS n,
        count(*) FILTER (WHERE NOT chosen) AS n_more,
        list(frame_id ORDER BY why DESC, merit DESC, frame_id) FILTER (WHERE NOT chosen AND why <> 'dropped') AS best
    FROM pictures
    GROUP BY appearance, aspect, value
)

SELECT
    k.aspect,
    k.value,
    o.appearance,
    coalesce(c.n, 0) AS n,
    coalesce(c.n_more, 0) AS n_more,
    coalesce(c.best[1:$most], []) AS best
FROM kinds AS k
CROSS JOIN outfits AS o
LEFT JOIN counted AS c
    ON c.aspect = k.aspect AND c.value = k.value AND c.appearance IS NOT DISTINCT FROM o.appearance
ORDER BY o.appearance NULLS FIRST, k.place
