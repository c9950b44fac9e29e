-- The tags of each character's frames: one row per character, frame and tag.
--
--     SELECT character, tag, count(*) FROM character_tags(0.5) WHERE alone GROUP BY ALL
--
-- threshold  minimum score of a tag, 0…1; null is the tagger's own threshold
-- alone      true if the frame shows nobody else, known or unknown: then the tags are about this character
CREATE OR REPLACE MACRO character_tags(threshold := NULL) AS TABLE
SELECT
    who.character,
    who.frame_id,
    who.alone,
    tags.tag,
    tags.category,
    tags.score,
    who.source_id,
    who."show",
    who.show_name,
    who.season,
    who.episode
FROM (
    SELECT * REPLACE (unnest(characters) AS character), n_characters = 1 AND n_boxes <= 1 AS alone
    FROM frame_characters
) AS who
JOIN (
    SELECT * FROM tags WHERE threshold IS NULL
    UNION ALL
    SELECT * EXCLUDE (counts) FROM scored_tags WHERE score >= threshold
) AS tags ON tags.frame_id = who.frame_id;
