-- What captioners wrote: one row per frame or box, model, prompt and language, without people's corrections. The view
-- `descriptions` has the one that is used.
--
--     SELECT model, count(*) AS n, sum(cost) AS dollars FROM all_descriptions GROUP BY model
--
-- detection_id  the box that was shown to the model; null: the whole frame
-- prompt        name of the template and the start of its hash
-- tokens_in, tokens_out, cost  what the model counted, and US dollars by the prices of the manifest; null: not known
CREATE OR REPLACE VIEW all_descriptions AS
SELECT
    description_id, frame_id, detection_id, text, model, prompt, language, tokens_in, tokens_out, cost, described_at,
    source_id, "show", season, episode
FROM lance_descriptions;
