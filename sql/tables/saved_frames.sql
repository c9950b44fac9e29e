-- The frames that were saved one by one under a name, from the map or by ds.save_selection(name, ids):
--
--     SELECT frame_id FROM saved_frames('beach')
CREATE OR REPLACE MACRO saved_frames(called) AS TABLE
SELECT unnest(from_json(value::JSON -> 'frames', '["VARCHAR"]')) AS frame_id
FROM lance_settings
WHERE name = 'selection.' || called;
