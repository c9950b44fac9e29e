-- The frames of some groups of near-duplicates: the one that is kept, and why the others are similar to it.
--
-- {groups}   group ids as literals
SELECT
    d.group_id, d.frame_id, d.keeper, d.similarity, d.reason,
    f.show, f.season, f.episode, f.time_s, f.width, f.height, f.sharpness,
    w.value AS said,
    coalesce(w.value = 'drop', false) AS dropped
FROM duplicates AS d
JOIN frames AS f ON f.frame_id = d.frame_id
LEFT JOIN frame_labels AS w ON w.frame_id = d.frame_id
WHERE d.group_id IN ({groups})
ORDER BY d.group_id, d.keeper DESC, d.frame_id
