-- How useful it is that a person reviews each name from `animeds characters classify`. Faces that people have named
-- are left out.
--
-- doubt      0…1: how close the score is to the threshold (0.5), or half of how far the margin to the next character
--            is below the margin of a typical named face
-- disagrees  the face at the same position in the frame before or after (same shot) has another name and a better
--            score, so this name is probably the wrong one
-- unclear    unknown, perhaps only because the face is dark or cut off (hard_to_see)
-- n_like     number of faces in its cluster, if `animeds characters cluster` has run; one answer can name them all
-- worth      (doubt + 0.5 if it disagrees + 0.5 if it is unclear) · the detector's score · (1 + ln(n_like) / 5)
-- reason     the main reason to review the face: shot, sight, margin, score, cluster
CREATE OR REPLACE VIEW doubts AS
WITH answers AS (
    SELECT
        d.detection_id AS face_id, d.frame_id, d.source_id, d."show", d.season, d.episode,
        d."left", d.top, d."right", d.bottom,
        d.character,
        d.character_score AS score,
        d.margin,
        coalesce(names.final, i.second) AS second,
        i.example_id,
        d.score AS detected,
        d.character = 'unknown' AND hard_to_see(f.brightness, d."left", d.top, d."right", d.bottom) AS unclear,
        f.time_s, f.shot, f.ordinal
    FROM identified_detections AS d
    JOIN lance_identities AS i USING (detection_id)
    JOIN lance_frames AS f ON f.frame_id = d.frame_id
    LEFT JOIN names ON names.name = i.second
    WHERE d.kind = 'face' AND d.named_by <> 'label'
),

disputed AS (
    SELECT DISTINCT a.face_id
    FROM answers AS a
    JOIN answers AS b
        ON a.source_id = b.source_id AND a.shot = b.shot AND abs(a.ordinal - b.ordinal) = 1
        AND a.character <> b.character AND (a.score, a.face_id) < (b.score, b.face_id)
    WHERE iou(a."left", a.top, a."right", a.bottom, b."left", b.top, b."right", b.bottom) >= 0.4
),

sizes AS (
    SELECT detection_id AS face_id, count(*) OVER (PARTITION BY cluster) AS n_like
    FROM lance_clusters
    WHERE cluster IS NOT NULL
),

weighed AS (
    SELECT
        a.*,
        d.face_id IS NOT NULL AS disagrees,
        coalesce(s.n_like, 1) AS n_like,
        greatest(1 - 2 * abs(a.score - 0.5), 0) AS near_border,
        CASE WHEN NOT is_known(a.character) THEN 0 ELSE greatest(
            1 - a.margin / nullif(median(a.margin) FILTER (WHERE is_known(a.character)) OVER (), 0), 0
        ) / 2 END AS narrow
    FROM answers AS a
    LEFT JOIN disputed AS d ON d.face_id = a.face_id
    LEFT JOIN sizes AS s ON s.face_id = a.face_id
)

SELECT
    * EXCLUDE (near_border, narrow, ordinal, detected),
    greatest(near_border, coalesce(narrow, 0)) AS doubt,
    (greatest(near_border, coalesce(narrow, 0)) + 0.5 * disagrees::INT + 0.5 * unclear::INT)
        * coalesce(detected, 1) * (1 + ln(n_like) / 5) AS worth,
    CASE
        WHEN disagrees THEN 'shot'
        WHEN unclear THEN 'sight'
        WHEN narrow > near_border THEN 'margin'
        WHEN near_border > 0.2 OR n_like = 1 THEN 'score'
        ELSE 'cluster'
    END AS reason
FROM weighed;
