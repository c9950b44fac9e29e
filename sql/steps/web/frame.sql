-- Everything that the database knows about one frame, but for its group of near-duplicates, in one row of lists and
-- structs. The caller reads only the rows of its source.
--
-- {id}       the frame, as a literal: Lance then reads that row only
-- {source}   its source, as a literal
WITH one AS (
    SELECT frame_id AS picture, * EXCLUDE (tags, tag_ids, tag_scores, all_scores, embedding)
    FROM frames
    WHERE frame_id = {id}
),

around AS (
    SELECT frame_id, shot, time_s FROM frames WHERE source_id = {source}
)

SELECT
    (SELECT one FROM one) AS frame,
    (
        SELECT list({
            'tag': tag, 'category': category, 'score': score, 'counts': counts, 'model': model
        } ORDER BY score DESC, tag)
        FROM scored_tags WHERE frame_id = {id}
    ) AS tags,
    (
        SELECT list({
            'detection_id': detection_id, 'kind': kind,
            'left': d."left", 'top': d.top, 'right': d."right", 'bottom': d.bottom,
            'score': score, 'model': model,
            'character': character, 'appearance': appearance,
            'character_score': character_score, 'margin': margin, 'by': named_by
        } ORDER BY detection_id)
        FROM identified_detections AS d WHERE frame_id = {id}
    ) AS boxes,
    (SELECT gate FROM gates() WHERE frame_id = {id}) AS gate,
    (
        SELECT list({
            'detection_id': detection_id, 'text': text, 'model': model, 'prompt': prompt, 'language': language
        } ORDER BY detection_id NULLS FIRST)
        FROM descriptions WHERE frame_id = {id}
    ) AS descriptions,
    (
        SELECT list({
            'act': act, 'field': field, 'op': op, 'value': value, 'detection_id': detection_id, 'who': who,
            'said_at': said_at
        } ORDER BY label_id DESC)
        FROM labels WHERE frame_id = {id}
    ) AS labels,
    (
        SELECT list({'detection_id': detection_id, 'kind': kind, 'crop': crop} ORDER BY detection_id)
        FROM drawn_crops WHERE frame_id = {id} AND (kind IS NULL OR detection_id IS NOT NULL)
    ) AS crops,
    (SELECT value FROM frame_labels WHERE frame_id = {id}) AS said,
    {
        'before': (SELECT max(frame_id) FROM around WHERE frame_id < {id}),
        'after': (SELECT min(frame_id) FROM around WHERE frame_id > {id}),
        'shot': (
            SELECT list(frame_id ORDER BY frame_id) FROM around WHERE shot = (SELECT any_value(shot) FROM one)
        )
    } AS neighbours,
    (SELECT sources FROM sources WHERE source_id = {source}) AS source,
    (
        SELECT list({
            'model': model_id, 'task': task, 'revision': revision, 'licence': licence
        } ORDER BY task, model_id)
        FROM models
        WHERE model_id IN (SELECT unnest(models) FROM sources WHERE source_id = {source})
            OR model_id IN (SELECT unnest([tagger, embedder]) FROM one)
            OR model_id IN (SELECT model FROM detections WHERE frame_id = {id})
    ) AS models
