-- Every label that was not undone, also where a newer one about the same thing has replaced it: `labels` has those
-- that count.
CREATE OR REPLACE VIEW active_labels AS
SELECT * FROM lance_labels
ANTI JOIN undone USING (act)
WHERE op <> 'undo';
