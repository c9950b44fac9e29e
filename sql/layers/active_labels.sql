-- Every label that was not undone, including labels that a newer one has replaced. `labels` has only those in force.
CREATE OR REPLACE VIEW active_labels AS
SELECT * FROM lance_labels
ANTI JOIN undone USING (act)
WHERE op <> 'undo';
