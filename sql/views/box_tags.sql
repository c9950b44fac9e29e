-- One row per tagged box and tagger: the tags of a single face, head, half body or person, from `animeds tag --boxes`.
--
-- tags        names of the tags above the tagger's own threshold, best score first
-- tag_ids     the same tags as numbers, for has_tag(); tag_scores has their scores in thousandths
-- all_scores  every stored tag (scores from 0.1), as {tag_ids, scores}
-- kind        face, head, halfbody, person or another
-- detection_id is the box in `detections`; model is the tagger's id
--
--     SELECT face_id FROM faces JOIN box_tags ON detection_id = face_id WHERE has_tag(tag_ids, 'red_hair')
CREATE OR REPLACE VIEW box_tags AS
SELECT
    detection_id, frame_id, source_id, "show", season, episode, kind, model,
    sure_names[:] AS tags,  -- a copy: DuckDB 2.0 compares lists of dictionary values wrongly
    sure_tags AS tag_ids,
    sure_scores AS tag_scores,
    rating,
    {'tag_ids': tags, 'scores': tag_scores} AS all_scores
FROM lance_box_tags;
