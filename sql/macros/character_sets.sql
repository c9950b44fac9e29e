-- Conditions on the characters of a frame, for the view frame_characters. The order of names does not matter.
--
--     SELECT frame_id FROM frame_characters WHERE has_exactly(characters, ['Fate', 'Nanoha'])
--     SELECT frame_id FROM frame_characters WHERE is_alone(characters, n_boxes, 'Nanoha')
--
-- has_character(characters, name)        this character is in the frame
-- has_exactly(characters, names)         these and no other known character; [] means no known character
-- has_all_characters(characters, names)  all of these, and perhaps others
-- has_any_character(characters, names)   at least one of these
-- is_alone(characters, n_boxes, name)    this character and no other person, known or unknown
CREATE OR REPLACE MACRO has_character(characters, name) AS list_contains(characters, name);

CREATE OR REPLACE MACRO has_exactly(characters, names) AS
    list_sort(list_distinct(characters)) = list_sort(list_distinct(names::VARCHAR[]));

CREATE OR REPLACE MACRO has_all_characters(characters, names) AS
    len(list_filter(names::VARCHAR[], lambda name: NOT list_contains(characters, name))) = 0;

CREATE OR REPLACE MACRO has_any_character(characters, names) AS
    len(list_filter(names::VARCHAR[], lambda name: list_contains(characters, name))) > 0;

CREATE OR REPLACE MACRO is_alone(characters, n_boxes, name) AS
    has_exactly(characters, [name]) AND n_boxes <= 1;
