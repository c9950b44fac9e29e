-- Pairs of frames that show the same character, for trainers that learn how one picture follows from another:
--
--     SELECT * FROM pairs(character := 'Takamachi Nanoha') WHERE place = 1
--     SELECT * FROM pairs(same := 'character', different := 'appearance', ranked_by := 'pose') LIMIT 100
--
-- As a selection, each row exports frame_id, with the frame control_id as its control.
--
-- character  the name; NULL: every character
-- same       appearance (the character in the same outfit) | character (in any outfit)
-- different  shot | source (the episode or folder) | appearance (the outfit)
-- ranked_by  background (cosine of the frames' vectors, -1…1) | pose (0…1: the mean of two shares: of the tags about
--            pose, framing and expression, those that both have; of the character's boxes, what both cover)
--
-- gives      frame_id, control_id, likeness (of what ranked_by names), place (1: the most alike frame for this one),
--            character, appearance, control_appearance; the most alike pairs first
--
-- The character is alone on both frames, which are of `kept`. Every pair occurs in both directions. The time that this
-- takes grows with the square of a character's frames.
CREATE OR REPLACE MACRO pairs(character := NULL, same := 'appearance', different := 'shot', ranked_by := 'background')
AS TABLE
WITH asked AS MATERIALIZED (
    SELECT
        CASE
            WHEN same NOT IN ('appearance', 'character')
                THEN error(format('same is "{}". It must be appearance or character.', same))
            WHEN different NOT IN ('shot', 'source', 'appearance')
                THEN error(format('different is "{}". It must be shot, source or appearance.', different))
            WHEN ranked_by NOT IN ('background', 'pose')
                THEN error(format('ranked_by is "{}". It must be background or pose.', ranked_by))
            WHEN same = 'appearance' AND different = 'appearance'
                THEN error('The outfit cannot be both the same and different. Use same := ''character''.')
            ELSE character::VARCHAR
        END AS who
),

shown AS MATERIALIZED (
    SELECT
        lone.*,
        CASE
            WHEN ranked_by = 'pose'
                THEN list_filter(tags, lambda tag: tag_group(tag) IN ('pose', 'framing', 'expression'))
        END AS pose
    FROM lone_faces AS lone
    JOIN asked ON asked.who IS NULL OR asked.who = lone.who
),

dressed AS MATERIALIZED (
    SELECT CASE
        WHEN (same = 'appearance' OR different = 'appearance') AND n > 0 AND n_worn = 0
            THEN error('No outfit has a name. Name outfits with `animeds characters outfits`, or use '
                || 'same := ''character'' with different := ''shot''.')
        ELSE true
    END AS has_outfits
    FROM (SELECT count(*) AS n, count(worn) AS n_worn FROM shown)
),

compared AS (
    SELECT
        one.frame_id,
        other.frame_id AS control_id,
        CASE
            WHEN ranked_by = 'pose' THEN (
                coalesce(
                    len(list_intersect(one.pose, other.pose))
                    / nullif(len(list_distinct(list_concat(one.pose, other.pose))), 0),
                    0
                )
                + iou(
                    one."left", one.top, one."right", one.bottom,
                    other."left", other.top, other."right", other.bottom
                )
            ) / 2
            WHEN one.embedder = other.embedder THEN cosine(one.embedding, other.embedding)
        END AS likeness,
        one.who,
        one.worn,
        other.worn AS control_worn
    FROM shown AS one
    JOIN shown AS other ON one.who = other.who AND one.frame_id <> other.frame_id
    JOIN dressed ON dressed.has_outfits
    WHERE
        (same = 'character' OR one.worn = other.worn)
        AND CASE different
            WHEN 'shot' THEN (one.source_id, one.shot) <> (other.source_id, other.shot)
            WHEN 'source' THEN one.source_id <> other.source_id
            ELSE one.worn <> other.worn
        END
)

SELECT
    frame_id,
    control_id,
    likeness,
    row_number() OVER (PARTITION BY frame_id ORDER BY likeness DESC NULLS LAST, control_id) AS place,
    who AS character,
    worn AS appearance,
    control_worn AS control_appearance
FROM compared
ORDER BY likeness DESC NULLS LAST, frame_id, control_id;
