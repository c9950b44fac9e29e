-- The frames with the tags of the tagger that `animeds tag --use` has chosen. Frames without tags of this tagger have
-- those of the ingest; frames.tagger names the tagger. Replaces sql/layers/model_frames.sql.
CREATE OR REPLACE VIEW model_frames AS
SELECT
    ingested.* REPLACE (
        CASE WHEN again.model IS NULL THEN ingested.tags ELSE again.tags END AS tags,
        CASE WHEN again.model IS NULL THEN ingested.tag_scores ELSE again.tag_scores END AS tag_scores,
        CASE WHEN again.model IS NULL THEN ingested.sure_tags ELSE again.sure_tags END AS sure_tags,
        CASE WHEN again.model IS NULL THEN ingested.sure_scores ELSE again.sure_scores END AS sure_scores,
        CASE WHEN again.model IS NULL THEN ingested.sure_names ELSE again.sure_names END AS sure_names,
        CASE WHEN again.model IS NULL THEN ingested.rating ELSE again.rating END AS rating,
        coalesce(again.model, ingested.tagger) AS tagger
    )
FROM measured_frames AS ingested
LEFT JOIN lance_taggings AS again
    ON again.frame_id = ingested.frame_id AND again.model = getvariable('chosen_tagger');
