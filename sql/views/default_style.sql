-- The default caption style: one row with the settings of the profile seed-guide.
--
--     WITH mine AS (SELECT * REPLACE ('waifu' AS activation_tag, 'shuffle' AS sort, 20 AS max_tags) FROM default_style)
--     SELECT frame_id, caption FROM caption('kept', style := 'mine')
CREATE OR REPLACE VIEW default_style AS
SELECT
    'list' AS form,                                      -- list | sentence | json | bbox | nl
    ['activation', 'tags'] AS parts,                     -- in this order; docs/captions.md lists all parts
    map([]::VARCHAR[], []::DOUBLE[]) AS probability,     -- per part, 0…1; 1 for a part that is not listed
    '' AS activation_tag,                                -- several are separated by commas
    '' AS general_text,                                  -- text of the part general
    map([]::VARCHAR[], []::VARCHAR[]) AS image_types,    -- the word for screenshot, fanart …; default: that word
    ['explicit'] AS ratings,                             -- ratings that get into captions
    map([]::VARCHAR[], []::VARCHAR[]) AS rating_words,   -- the word for general, explicit …; default: that word
    map(['copyright', 'artist'], ['from ', 'by ']) AS prefixes,  -- per part, before its words; not in sentences
    'seed' AS face_words,                                -- seed: fhml fvtp | plain: at left
    ', ' AS inner_separator,                             -- between the tags or names of one part
    ', ' AS outer_separator,                             -- between parts
    ' ' AS character_separator,                          -- between characters
    ' ' AS character_inner_separator,                    -- between a name and an appearance
    '' AS keep_tokens_separator,                         -- kohya's |||; '': none
    'tags' AS keep_tokens_before,                        -- the separator comes before this part
    ['general'] AS categories,                           -- of the tags in the part tags
    map([]::VARCHAR[], []::DOUBLE[]) AS thresholds,      -- per category, 0…1; default: the tagger's own
    false AS characters_from_tags,                       -- use the tagger's character tags if no face has a name
    'score' AS sort,                                     -- score | original | shuffle
    false AS people_first,                               -- 1girl, solo … first, and never shuffled
    0 AS max_tags,                                       -- including people tags; 0: no limit
    []::VARCHAR[] AS leave_out,                          -- hair, eyes, outfit
    map([]::VARCHAR[], []::VARCHAR[][]) AS core_tags,    -- per character: tags to leave out if the name is there
    []::VARCHAR[] AS blacklist,                          -- tags that never get into captions; * matches anything
    map([]::VARCHAR[], []::DOUBLE[]) AS group_dropout,   -- per group of tag_group(): share of captions without it, 0…1
    map([]::VARCHAR[], []::VARCHAR[][]) AS groups,       -- more tags of a group, or another group; * matches anything
    map([]::VARCHAR[], []::DOUBLE[]) AS quality,         -- a word, and the minimum aesthetic score for it, 0…6
    false AS prune_overlaps,                             -- leave out tags that a longer tag implies (hair: long_hair)
    map([]::VARCHAR[], []::VARCHAR[][]) AS overlapping,  -- more of these: a tag, and the tags that imply it
    false AS underscores,                                -- keep the underscores
    false AS escape_brackets,                            -- saber \(fate\)
    0.0::DOUBLE AS dropout,                              -- share of captions that are empty, 0…1
    0 AS seed,                                           -- of everything random
    1 AS variants;                                       -- captions per picture, one per line
