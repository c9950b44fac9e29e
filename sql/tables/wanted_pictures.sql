-- The pictures to export: the rows of a selection without repetitions, with NULL for missing columns.
--
-- selection  name of a relation with frame_id and selection_row (the number of the row); other columns are optional
-- gives      frame_id, folder, filename, caption, repeats, given (the crop of the selection: left, top, right, bottom,
--            0…1 of the displayed frame), chosen (the id of the row's box), pair (rows with different controls differ
--            in it), selection_row (the first of equal rows)
CREATE OR REPLACE MACRO wanted_pictures(selection) AS TABLE
SELECT
    frame_id::VARCHAR AS frame_id,
    folder::VARCHAR AS folder,
    filename::VARCHAR AS filename,
    caption::VARCHAR AS caption,
    repeats::BIGINT AS repeats,
    "crop"::DOUBLE[] AS given,
    coalesce(face_id, head_id, halfbody_id, person_id, detection_id)::VARCHAR AS chosen,
    pair::BIGINT AS pair,
    min(selection_row) AS selection_row
FROM (
    SELECT COLUMNS(lambda c: lower(c) IN (
        'frame_id', 'folder', 'filename', 'caption', 'repeats', 'crop',
        'face_id', 'head_id', 'halfbody_id', 'person_id', 'detection_id', 'pair', 'selection_row'
    ))
    FROM query_table(selection)
    UNION ALL BY NAME
    SELECT
        NULL::VARCHAR AS frame_id,
        NULL::VARCHAR AS folder,
        NULL::VARCHAR AS filename,
        NULL::VARCHAR AS caption,
        NULL::BIGINT AS repeats,
        NULL::DOUBLE[] AS "crop",
        NULL::VARCHAR AS face_id,
        NULL::VARCHAR AS head_id,
        NULL::VARCHAR AS halfbody_id,
        NULL::VARCHAR AS person_id,
        NULL::VARCHAR AS detection_id,
        NULL::BIGINT AS pair
    WHERE false
)
GROUP BY ALL;
