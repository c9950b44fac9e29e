-- What an export writes: one row per picture of the relation `selection`, in the order of decoding.
--
-- selection   any relation with frame_id; it may have folder, filename, caption, repeats, crop
-- gives       exactly the columns of animeds_db.export.plan.PLAN
--
-- A selection lists frames: rows that are the same in all of those columns are one picture. A frame_id
-- that is not in the database gives a row without source_id, so that the export can name it.

WITH wanted AS (
    SELECT DISTINCT * FROM (
        SELECT COLUMNS(lambda c: lower(c) IN ('frame_id', 'folder', 'filename', 'caption', 'repeats', 'crop'))
        FROM selection
        UNION ALL BY NAME
        SELECT
            NULL::VARCHAR AS frame_id,
            NULL::VARCHAR AS folder,
            NULL::VARCHAR AS filename,
            NULL::VARCHAR AS caption,
            NULL::BIGINT AS repeats,
            NULL::DOUBLE[] AS crop  -- left, top, right, bottom; 0…1 of the displayed frame
        WHERE false
    )
),

tagged AS (
    SELECT frame_id, list({'tag': tag, 'category': category, 'score': score} ORDER BY score DESC, tag) AS tags
    FROM tags SEMI JOIN wanted USING (frame_id)
    GROUP BY frame_id
)

SELECT
    wanted.frame_id::VARCHAR AS frame_id,
    frames.source_id,
    frames.stream,
    frames.pts,
    frames.key_pts,
    frames.member,
    frames.content_hash,
    wanted.folder::VARCHAR AS folder,
    wanted.filename::VARCHAR AS filename,
    wanted.caption::VARCHAR AS caption,
    wanted.repeats::BIGINT AS repeats,
    wanted.crop::DOUBLE[] AS crop,
    tagged.tags
FROM wanted
LEFT JOIN frames ON frames.frame_id = wanted.frame_id
LEFT JOIN tagged ON tagged.frame_id = wanted.frame_id
ORDER BY source_id NULLS FIRST, stream, pts, wanted.frame_id, folder, filename, crop, caption, repeats
