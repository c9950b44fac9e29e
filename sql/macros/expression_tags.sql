-- Is a tag about the expression of a face, or about the setting: place, time of day, weather? The tags are danbooru's.
--
--     SELECT tag, count(*) FROM tags WHERE is_expression_tag(tag) GROUP BY tag
CREATE OR REPLACE MACRO is_expression_tag(tag) AS list_contains([
    'smile', 'light_smile', 'grin', 'evil_smile', 'smirk', 'seductive_smile', 'crazy_smile', 'happy', 'laughing',
    'sad', 'crying', 'crying_with_eyes_open', 'tears', 'streaming_tears', 'teardrop', 'sobbing', 'angry', 'annoyed',
    'frown', 'pout', ':t', 'scowl', 'glaring', 'v-shaped_eyebrows', 'furrowed_brow', 'raised_eyebrows', 'surprised',
    'wide-eyed', 'constricted_pupils', 'scared', 'nervous', 'nervous_smile', 'worried', 'confused', 'shaded_face',
    'blush', 'light_blush', 'full-face_blush', 'nose_blush', 'embarrassed', 'shy', 'flustered', 'drunk', 'serious',
    'expressionless', 'bored', 'tired', 'sleepy', 'sleeping', 'disgust', 'pain', 'determined', 'smug', 'closed_eyes',
    'half-closed_eyes', 'one_eye_closed', 'empty_eyes', 'rolling_eyes', 'jitome', 'tsurime', '^_^', '>_<',
    'open_mouth', 'closed_mouth', 'parted_lips', 'clenched_teeth', 'teeth', 'tongue_out', 'shouting', 'screaming',
    'yawning', ':d', ':o', ':3', ':<', ':p', ';d', ';)', 'xd', 'd:', 'wavy_mouth', 'triangle_mouth', 'sweatdrop',
    'anger_vein'
], tag);

CREATE OR REPLACE MACRO is_setting_tag(tag) AS list_contains([
    'indoors', 'outdoors', 'simple_background', 'white_background', 'black_background', 'gradient_background',
    'classroom', 'chalkboard', 'school', 'hallway', 'library', 'gym', 'rooftop', 'infirmary', 'office', 'school_desk',
    'room', 'bedroom', 'bed', 'kitchen', 'bathroom', 'bathtub', 'onsen', 'living_room', 'balcony', 'stairs', 'stage',
    'window', 'curtains', 'door', 'tatami', 'shop', 'cafe', 'restaurant', 'hospital', 'church', 'shrine', 'torii',
    'temple', 'castle', 'ruins', 'city', 'cityscape', 'skyscraper', 'street', 'alley', 'road', 'crosswalk', 'bridge',
    'building', 'house', 'train_station', 'train_interior', 'car_interior', 'bus_interior', 'playground', 'park',
    'bench', 'garden', 'field', 'grass', 'tree', 'forest', 'nature', 'mountain', 'river', 'lake', 'waterfall',
    'beach', 'ocean', 'pool', 'underwater', 'desert', 'cave', 'space', 'battlefield', 'festival', 'pier', 'boat',
    'snow', 'snowing', 'rain', 'fog', 'wind', 'storm', 'lightning', 'fire', 'sky', 'blue_sky', 'cloudy_sky', 'cloud',
    'rainbow', 'day', 'sunlight', 'sunset', 'sunrise', 'twilight', 'evening', 'dusk', 'night', 'night_sky',
    'starry_sky', 'star_(sky)', 'moon', 'full_moon', 'cherry_blossoms', 'autumn_leaves', 'spring_(season)', 'summer',
    'autumn', 'winter', 'christmas', 'dark', 'backlighting'
], tag);
