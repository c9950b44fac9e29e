-- What a description by this model and prompt has cost so far, in US dollars. Null: none is here, or no price is known.
--
-- $model, $prompt   ids
SELECT avg(cost) AS dollars FROM lance_descriptions WHERE model = $model AND prompt = $prompt;
