-- The folder of each picture of a plan, in the plan's order.
--
-- pictures   rows of a plan, with picture (from 0) and picture_tags
-- selection  rows of the selection they are from, with selection_row; any columns
-- structure  source_id and folder: where a source stands among the others, when its structure is kept
-- {levels}   what each level is called, made by animeds_db.export.arrange out of a format such as
--            n_characters/character/fh_ratio; s is the selection's row, d what described() tells of the picture
SELECT
    concat_ws(
        '/',
        nullif(t.folder, ''),
        CASE WHEN t.folder IS NOT NULL THEN nullif(regexp_replace(p.member, '/?[^/]*$', ''), '') END,
        {levels}
    ) AS folder
FROM pictures AS p
LEFT JOIN described('pictures', {threshold}) AS d ON d.picture = p.picture
LEFT JOIN selection AS s ON s.selection_row = p.selection_row
LEFT JOIN structure AS t ON t.source_id = p.source_id
ORDER BY p.picture
