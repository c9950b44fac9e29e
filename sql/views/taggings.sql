-- One row per frame and tagger: the tagger of the ingest, and those of `animeds tag`.
--
-- tag_ids and tag_scores (thousandths) hold the tags above the tagger's own threshold, in the same order, best first.
-- all_scores has every stored tag, as {tag_ids, scores}. model is the tagger's id.
--
--     SELECT a.frame_id FROM taggings AS a JOIN taggings AS b USING (frame_id)
--     WHERE a.model = 'x@1' AND b.model = 'y@2' AND has_tag(a.tag_ids, 'smile') <> has_tag(b.tag_ids, 'smile')
CREATE OR REPLACE VIEW taggings AS
SELECT
    frame_id, source_id, tagger AS model, sure_tags AS tag_ids, sure_scores AS tag_scores, rating,
    {'tag_ids': tags, 'scores': tag_scores} AS all_scores
FROM lance_frames
WHERE tagger IS NOT NULL
UNION ALL
SELECT
    frame_id, source_id, model, sure_tags, sure_scores, rating,
    {'tag_ids': tags, 'scores': tag_scores} AS all_scores
FROM lance_taggings
WHERE getvariable('retagged');
