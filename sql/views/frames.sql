-- The frames, one row each: where they are, what was measured, and their tags.
--
-- tags        the tags that count, as strings, best score first: those at or above the tagger's own threshold for the
--             tag, else for its category. People's corrections have been applied.
-- tag_ids     the same as numbers: what has_tag() asks fastest
-- tag_scores  per cent, rounded down, in step with both; 100 where a person added the tag
-- all_scores  every stored tag (from 0.1), as {tag_ids, scores}: for sure() and tag_score(), which look below the
--             threshold
-- show, season, episode come from the source and cost nothing unless they are read.
CREATE OR REPLACE VIEW frames AS
SELECT
    frame_id, source_id, "show", season, episode, time_s, shot,
    * EXCLUDE (
        frame_id, source_id, "show", season, episode, time_s, shot, tags, tag_scores, sure_tags, sure_scores, embedding,
        embedder, added_tags
    ),
    list_select(getvariable('tag_names'), sure_tags) AS tags,
    sure_tags AS tag_ids,
    sure_scores AS tag_scores,
    {'tag_ids': tags, 'scores': tag_scores} AS all_scores,
    embedding,
    embedder
FROM embedded_frames;
