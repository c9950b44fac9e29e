-- The folder of each picture of a plan, in the plan's order.
--
-- pictures   rows of a plan, with picture (from 0) and picture_tags
-- selection  the rows of the selection, with selection_row; any columns
-- structure  source_id and folder: the folder of each source, if the folder structure of the sources is kept
-- {levels}   expressions for the folder names, made by animeds_db.export.columns.arrange from a format such as
--            n_characters/character/fh_ratio; s is the selection's row, d the picture's row from described()
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
