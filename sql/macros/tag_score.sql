-- The tagger's score for a tag on a frame, 0…1, also below its threshold. 0 if the score was below 0.1.
--
--     SELECT frame_id FROM frames WHERE tag_score(all_scores, 'smile') >= 0.2
--
-- NULL for a frame that was never tagged.
CREATE OR REPLACE MACRO
    tag_score(all_scores, tag) AS
        CASE WHEN all_scores.tag_ids IS NOT NULL THEN
            coalesce(all_scores.scores[coalesce(list_position(all_scores.tag_ids, tag_id(tag)), 0)], 0) / 1000.0
        END,
    (tags, scores, tag) AS
        error('tag_score() takes the column all_scores and a tag: tag_score(all_scores, ''smile'').');
