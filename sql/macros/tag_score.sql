-- How sure was the tagger of a tag on a frame? 0…1; 0 where it gave less than the floor of 0.1.
--
--     SELECT frame_id FROM frames WHERE tag_score(tag_ids, tag_scores, 'smile') >= 0.6
--
-- Takes `tag_ids` or `tags`, and always `tag_scores`. A frame that was never tagged gives NULL.
CREATE OR REPLACE MACRO tag_place(tags, tag) AS coalesce(list_position(tags, tag), 0);

CREATE OR REPLACE MACRO
    tag_score(tags SMALLINT[], scores TINYINT[], tag VARCHAR) AS
        CASE WHEN tags IS NOT NULL
             THEN coalesce(scores[tag_place(tags, tag_id(tag))], 0) / 100.0 END,
    (tags VARCHAR[], scores TINYINT[], tag VARCHAR) AS
        CASE WHEN tags IS NOT NULL
             THEN coalesce(scores[tag_place(tags, coalesce(getvariable('tag_names')[tag_id(tag)], tag))], 0) / 100.0 END;
