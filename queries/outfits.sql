-- name: outfits
-- What each character wears, by the tags of frames on which they are alone.
-- share is relative to those frames (n_seen). episodes lists the episodes with the tag.
-- param character: character = null   only this one
-- param per: text = series         series, season or episode: the period of a row
-- param threshold: real = null     minimum score of a tag, 0…1; null is the tagger's own threshold
-- param min_frames: int = 2        minimum number of frames of a tag
-- param show: show = null          only this show
SELECT character, period, tag AS outfit, n_frames, n_seen, share, episodes
FROM character_tag_counts($per, $threshold, only_alone := true, of_show := $show)
WHERE is_outfit_tag(tag) AND n_frames >= $min_frames AND ($character IS NULL OR character = $character)
ORDER BY character, period, n_frames DESC, tag;
