-- How sure was the tagger of a tag on a frame? 0…1; 0 where it gave less than the floor of 0.1.
--
--     SELECT frame_id FROM frames WHERE tag_score(tag_ids, tag_scores, 'smile') >= 0.6
--
-- Takes `tag_ids` or `tags`, and always `tag_scores`. A frame that was never tagged gives NULL.
CREATE OR REPLACE MACRO score_at(tags, scores, place) AS
    CASE WHEN tags IS NOT NULL THEN coalesce(scores[coalesce(place, 0)], 0) / 100.0 END;

CREATE OR REPLACE MACRO
    tag_score(tags SMALLINT[], scores TINYINT[], tag VARCHAR) AS
        score_at(tags, scores, list_position(tags, tag_id(tag))),
    (tags VARCHAR[], scores TINYINT[], tag VARCHAR) AS
        score_at(tags, scores, list_position(tags, replace(tag, ' ', '_')));
