-- One row per frame: its position, its measurements and its tags.
--
-- tags        names of the tags above the threshold, best score first. The threshold is the tagger's own for the tag,
--             or its own for the category. People's corrections are applied.
-- tag_ids     the same tags as numbers; has_tag() is fastest with them
-- tag_scores  scores in thousandths, rounded down, in the same order; 1000 for a tag that a person added
-- all_scores  every stored tag (scores from 0.1), as {tag_ids, scores}; sure() and tag_score() use it to look below
--             the threshold
-- show, season and episode come from the source. They cost nothing unless a query reads them.
CREATE OR REPLACE VIEW frames AS
SELECT
    frame_id, source_id, "show", season, episode, time_s, shot,
    * EXCLUDE (
        frame_id, source_id, "show", season, episode, time_s, shot, tags, tag_scores, sure_tags, sure_scores,
        sure_names, embedding, embedder, added_tags
    ),
    sure_names[:] AS tags,  -- a copy: DuckDB 2.0 compares lists of dictionary values wrongly
    sure_tags AS tag_ids,
    sure_scores AS tag_scores,
    {'tag_ids': tags, 'scores': tag_scores} AS all_scores,
    embedding,
    embedder
FROM embedded_frames;
