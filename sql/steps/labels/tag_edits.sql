-- The labels of one edit of tags in many frames, each once.
--
-- chosen   frame_id: the frames that are edited
-- edits    op (add, remove or replace), tag, instead (of replace: the new tag; else NULL)
-- gives    frame_id, op (add or remove), tag
--
-- Added and removed tags are labels of every chosen frame. A tag is replaced in the frames that have it. All
-- replacements happen at once, so that two tags can be swapped; a tag that one of them adds is not removed.
WITH replaced AS (
    SELECT tags.frame_id, tags.tag, edits.instead
    FROM tags
    JOIN edits ON edits.op = 'replace' AND edits.tag = tags.tag
    SEMI JOIN chosen ON chosen.frame_id = tags.frame_id
),

added AS (
    SELECT chosen.frame_id, edits.tag FROM chosen JOIN edits ON edits.op = 'add'
    UNION
    SELECT frame_id, instead FROM replaced
),

removed AS (
    SELECT chosen.frame_id, edits.tag FROM chosen JOIN edits ON edits.op = 'remove'
    UNION
    SELECT frame_id, tag FROM replaced
)

SELECT frame_id, 'add' AS op, tag FROM added
UNION ALL
SELECT frame_id, 'remove', tag FROM removed ANTI JOIN added USING (frame_id, tag)
ORDER BY frame_id, op, tag
