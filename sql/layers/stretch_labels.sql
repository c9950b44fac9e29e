-- People's labels of stretches of videos (field: stretch), the newest one per stretch.
--
-- first_pts, last_pts  first and last frame of the stretch
-- value                keep: this is a clip, exactly as it is; drop: no clip touches these frames;
--                      cut: a shot begins at first_pts
--
-- Of a keep and a drop that touch each other, the newer one wins: an older keep is not in force, and an older drop only
-- keeps other clips away.
CREATE OR REPLACE VIEW stretch_labels AS
WITH newest AS MATERIALIZED (
    SELECT
        *,
        split_part(subject, '_', 1)::BIGINT AS first_pts,
        split_part(subject, '_', 2)::BIGINT AS last_pts
    FROM active_labels
    WHERE field = 'stretch'
    QUALIFY row_number() OVER (PARTITION BY source_id, subject ORDER BY label_id DESC) = 1
)

SELECT label_id, act, source_id, first_pts, last_pts, value
FROM newest AS l
WHERE op = 'set' AND NOT EXISTS (
    SELECT 1
    FROM newest AS newer
    WHERE l.value = 'keep' AND newer.op = 'set' AND newer.value = 'drop'
        AND newer.source_id = l.source_id AND newer.label_id > l.label_id
        AND newer.first_pts <= l.last_pts AND newer.last_pts >= l.first_pts
);
