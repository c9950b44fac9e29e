-- The frames, one row each: where they are, what was measured, and their tags.
--
-- tags        as strings, best score first; people's corrections have been applied
-- tag_ids     the same as numbers: what has_tag() asks fastest
-- tag_scores  per cent, in step with both; 100 where a person added the tag
-- show, season, episode come from the source and cost nothing unless they are read.
CREATE OR REPLACE VIEW frames AS
SELECT
    frame_id, source_id, "show", season, episode, time_s, shot,
    * EXCLUDE (
        frame_id, source_id, "show", season, episode, time_s, shot, tags, tag_scores, embedding, embedder, added_tags
    ),
    list_select(getvariable('tag_names'), tags) AS tags,
    tags AS tag_ids,
    tag_scores,
    embedding,
    embedder
FROM embedded_frames;
