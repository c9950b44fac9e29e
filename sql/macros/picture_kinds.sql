-- What a picture of one person shows, in one word each, by danbooru's tags.
--
--     SELECT angle(tag_ids, true), count(*) FROM frames GROUP BY ALL
--
-- angle       behind, side or front, by tags; without such a tag front where a face is seen, else NULL
-- expression  crying, angry, surprised, sad, smiling or asleep, by tags; else neutral where a face is seen, else NULL
-- setting     plain (a background without a place), outdoors or indoors; NULL without such a tag
CREATE OR REPLACE MACRO angle(tags INTEGER[], face_seen) AS
    CASE
        WHEN has_any(tags, ['from_behind', 'facing_away']) THEN 'behind'
        WHEN has_any(tags, ['from_side', 'profile']) THEN 'side'
        WHEN face_seen THEN 'front'
    END;

CREATE OR REPLACE MACRO expression(tags INTEGER[], face_seen) AS
    CASE
        WHEN NOT face_seen THEN NULL
        WHEN has_any(tags, ['crying', 'tears', 'streaming_tears', 'sobbing']) THEN 'crying'
        WHEN has_any(tags, ['angry', 'v-shaped_eyebrows', 'annoyed', 'scowl', 'glaring']) THEN 'angry'
        WHEN has_any(tags, ['surprised', 'wide-eyed', 'scared', 'constricted_pupils']) THEN 'surprised'
        WHEN has_any(tags, ['sad', 'frown', 'worried', 'disgust', 'pain']) THEN 'sad'
        WHEN has_any(
            tags, ['smile', 'light_smile', 'grin', 'happy', 'laughing', 'smirk', 'evil_smile', 'seductive_smile', ':d']
        ) THEN 'smiling'
        WHEN has_any(tags, ['sleeping', 'sleepy']) THEN 'asleep'
        WHEN face_seen THEN 'neutral'
    END;

CREATE OR REPLACE MACRO setting(tags INTEGER[]) AS
    CASE
        WHEN has_any(tags, ['simple_background', 'white_background', 'black_background', 'gradient_background'])
            THEN 'plain'
        WHEN has_any(tags, ['outdoors', 'street', 'park', 'beach', 'forest', 'city', 'sky', 'rooftop']) THEN 'outdoors'
        WHEN has_any(
            tags, ['indoors', 'classroom', 'bedroom', 'hallway', 'kitchen', 'bathroom', 'library', 'living_room', 'gym']
        ) THEN 'indoors'
    END;
