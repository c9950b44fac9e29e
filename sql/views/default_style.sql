-- How captions are made unless somebody says otherwise: one row, the profile seed-guide.
--
--     WITH mine AS (SELECT * REPLACE ('waifu' AS activation_tag, 'shuffle' AS sort, 20 AS max_tags) FROM default_style)
--     SELECT frame_id, caption FROM caption('kept', style := 'mine')
CREATE OR REPLACE VIEW default_style AS
SELECT
    'list' AS form,                                      -- list | sentence
    ['activation', 'tags'] AS parts,                     -- in this order; all of them: see docs/captions.md
    map([]::VARCHAR[], []::DOUBLE[]) AS probability,     -- per part, 0…1; 1 where none is given
    '' AS activation_tag,                                -- several are parted by commas
    '' AS general_text,                                  -- text of the part general
    map([]::VARCHAR[], []::VARCHAR[]) AS image_types,    -- what screenshot, fanart … are called; else by that word
    ['explicit'] AS ratings,                             -- ratings that are said
    'seed' AS face_words,                                -- seed: fhml fvtp | plain: at left
    ', ' AS inner_separator,                             -- between the tags, and whatever else a part lists
    ', ' AS outer_separator,                             -- between parts
    ' ' AS character_separator,                          -- between characters
    ' ' AS character_inner_separator,                    -- between a name and an appearance
    '' AS keep_tokens_separator,                         -- kohya's |||; '': none
    'tags' AS keep_tokens_before,                        -- the part before which it stands
    ['general'] AS categories,                           -- of the tags in the part tags
    map([]::VARCHAR[], []::DOUBLE[]) AS thresholds,      -- per category, 0…1; else the tagger's own
    false AS characters_from_tags,                       -- where no face has a name, take the tagger's character tags
    'score' AS sort,                                     -- score | original | shuffle
    false AS people_first,                               -- 1girl, solo … first, and never shuffled
    0 AS max_tags,                                       -- people tags count; 0: all
    []::VARCHAR[] AS leave_out,                          -- hair, eyes, outfit
    map([]::VARCHAR[], []::VARCHAR[][]) AS core_tags,    -- per character, tags that are left out beside the name
    []::VARCHAR[] AS blacklist,                          -- tags that are never said; * stands for anything
    false AS prune_overlaps,                             -- leave out what a longer tag implies: hair where long_hair is
    map([]::VARCHAR[], []::VARCHAR[][]) AS overlapping,  -- more of it: a tag, and those beside which it is left out
    false AS underscores,                                -- leave them in
    false AS escape_brackets,                            -- saber \(fate\)
    0.0::DOUBLE AS dropout,                              -- share of captions that are empty, 0…1
    0 AS seed,                                           -- of all randomness
    1 AS variants;                                       -- captions per picture, one per line
