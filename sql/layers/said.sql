-- What people said, word by word, without what they took back. `labels` says which of these words count.
CREATE OR REPLACE VIEW said AS
SELECT * FROM lance_labels
ANTI JOIN undone USING (act)
WHERE op <> 'undo';
