-- One row per change set: the labels of one command or click, and whether they are still in force.
--
-- act     id of the change set
-- counts  false if it was undone (`animeds label undo`)
-- n       number of labels
-- n_gone  number of labels whose frame is not in the database any more
CREATE OR REPLACE VIEW label_history AS
WITH described_labels AS (
    SELECT
        *,
        CASE
            WHEN op = 'undo' THEN 'undo ' || value
            WHEN field = 'name' AND op = 'set' THEN subject || ' is now ' || value
            WHEN field = 'name' THEN subject || ' has its name back'
            WHEN field = 'tag' THEN CASE op WHEN 'add' THEN '+' ELSE '-' END || value
            WHEN field = 'frame' THEN CASE op WHEN 'set' THEN value ELSE 'neither keep nor drop' END
            WHEN field = 'description' AND op = 'set'
                THEN 'description ' || value[:60] || CASE WHEN length(value) > 60 THEN '…' ELSE '' END
            WHEN field = 'crop' AND op = 'set' THEN 'crop drawn by hand'
            WHEN field = 'crop' THEN 'crop without the drawn box'
            WHEN field = 'mask' AND op = 'set' THEN 'mask of ' || subject || ' drawn by hand'
            WHEN field = 'mask' THEN 'mask of ' || subject || ' as the model says'
            WHEN field = 'cluster' THEN 'faces of ' || value
            WHEN field = 'speaker' AND op = 'set' THEN 'speaker ' || subject || ' is ' || value
            WHEN field = 'speaker' THEN 'speaker ' || subject || ' is not known'
            WHEN field = 'stretch' AND op = 'set'
                THEN CASE value WHEN 'keep' THEN 'clip kept' WHEN 'drop' THEN 'clip dropped' ELSE 'shot split' END
            WHEN field = 'stretch' THEN 'clip as proposed'
            WHEN op = 'remove' THEN field || ' as the model says'
            ELSE field || ' ' || value
        END AS what,
        frame_id NOT IN (SELECT frame_id FROM lance_frames) AS gone
    FROM lance_labels
)

SELECT
    act,
    max("at") AS said_at,
    max(who) AS who,
    array_to_string(list_sort(list(DISTINCT what))[1:8], ', ')
        || CASE WHEN count(DISTINCT what) > 8 THEN ', …' ELSE '' END AS what,
    count(*) AS n,
    act NOT IN (SELECT act FROM undone) AS counts,
    count(*) FILTER (WHERE gone) AS n_gone
FROM described_labels
GROUP BY act;
