-- The names of folders, as in arrange_folder.py of the anime screenshot pipeline.
--
--     SELECT n_people_folder(1), n_faces_folder(2), n_characters_folder(7), character_folder(NULL)
--     1_person, 2_faces, 6+_characters, character_others
--
-- most: frames with this many characters or more are in one folder. Names of 100 letters or more get no folder of
-- their own.
CREATE OR REPLACE MACRO n_people_folder(n) AS
    CASE WHEN n = 1 THEN '1_person' WHEN n >= 6 THEN 'many_people' ELSE coalesce(n, 0) || '_people' END;

CREATE OR REPLACE MACRO n_faces_folder(n) AS
    CASE WHEN n = 1 THEN '1_face' ELSE coalesce(n, 0) || '_faces' END;

CREATE OR REPLACE MACRO n_characters_folder(n, most := 6) AS
    CASE
        WHEN n >= most THEN most || '+_characters'
        WHEN n = 1 THEN '1_character'
        ELSE coalesce(n, 0) || '_characters'
    END;

CREATE OR REPLACE MACRO character_folder(name) AS
    CASE WHEN length(name) BETWEEN 1 AND 99 THEN replace(replace(name, '/', '_'), '\', '_') ELSE 'character_others' END;

CREATE OR REPLACE MACRO episode_folder(n) AS
    coalesce('EP' || lpad(n::VARCHAR, greatest(2, length(n::VARCHAR))::INTEGER, '0'), 'episode_others');

-- The folder of any other value: always one level, with a name for missing values.
CREATE OR REPLACE MACRO value_folder(value, column_name) AS
    coalesce(nullif(replace(replace(trim(value::VARCHAR), '/', '_'), '\', '_'), ''), column_name || '_others');
