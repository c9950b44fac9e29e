-- The frames that several ways of searching have found, best first, by reciprocal rank fusion: each way adds
-- 1 / (60 + place) to the score of a frame. (Cormack, Clarke and Büttcher, SIGIR 2009.)
--
-- ranked   way (picture, tags, description), frame_id, place (1 is the best)
-- $vector  the vector of the words, for the column similarity; NULL: there is none
-- $k       how many
-- {width}  length of the vector
WITH fused AS (
    SELECT frame_id, sum(1 / (60 + place)) AS score, list(way ORDER BY way) AS found_by
    FROM ranked
    GROUP BY frame_id
    ORDER BY score DESC, frame_id
    LIMIT $k
)

SELECT
    f.frame_id, f.source_id, f."show", f.season, f.episode, f.time_s,
    CASE
        WHEN $vector IS NOT NULL THEN array_cosine_similarity(f.embedding, $vector::FLOAT[{width}])
    END AS similarity,
    list_select(getvariable('tag_names'), f.tag_ids) AS tags,
    fused.score,
    fused.found_by
FROM fused
JOIN frames AS f USING (frame_id)
ORDER BY fused.score DESC, f.frame_id
