-- name: settings
-- Where each character is seen, by the tags of all their frames: places, hours, weather.
-- share is of those frames (n_seen); episodes are those in which they are there.
-- param character: character = null   only this one
-- param per: text = series         series, season or episode: what a row is counted over
-- param threshold: real = null     score from which a tag counts, 0…1; null is the tagger's own threshold
-- param least: int = 2             tags of fewer frames are left out
-- param show: show = null          only this show
SELECT character, period, tag AS setting, n_frames, n_seen, share, episodes
FROM character_tag_counts($per, $threshold, only_alone := false, of_show := $show)
WHERE is_setting_tag(tag) AND n_frames >= $least AND ($character IS NULL OR character = $character)
ORDER BY character, period, n_frames DESC, tag;
