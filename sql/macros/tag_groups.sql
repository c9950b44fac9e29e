-- The group of a tag, for captions that drop whole groups of tags: people, quality, light, expression, clothing, eyes,
-- hair, framing, pose, background or body; NULL for a tag of no group.
--
--     SELECT tag, count(*) FROM tags WHERE tag_group(tag) = 'light' GROUP BY tag
--
-- The groups follow danbooru's pages "Tag group:Lighting", "Posture", "Backgrounds", "Attire", "Body parts",
-- "Image composition" and "Face tags". This file is the only list of them. A caption profile adds tags to a group, or
-- makes another group, in its table [groups]. The group artist holds all tags of that category.
--
-- The first group that fits counts: sunlight is light, not background; a hair ribbon is clothing, not hair.
CREATE OR REPLACE MACRO is_quality_tag(tag) AS
    regexp_full_match(tag, '(best|great|good|normal|average|low|worst|bad|amazing|high)_quality|score_[1-9](_up)?')
    OR list_contains(['masterpiece', 'absurdres', 'incredibly_absurdres', 'highres', 'lowres', 'very_aesthetic',
        'aesthetic', 'displeasing', 'very_displeasing', 'jpeg_artifacts', 'scan_artifacts'], tag);

CREATE OR REPLACE MACRO is_light_tag(tag) AS
    regexp_matches(tag, '(^|_)(lighting|lights?|sunlight|moonlight|starlight|candlelight|backlight|shadow)(_|$)')
    AND NOT regexp_matches(tag, '^light_(blush|smile|frown|brown|blue|green|purple|pink|red|yellow)|^traffic_light')
    OR list_contains(['backlighting', 'sidelighting', 'underlighting', 'sunbeam', 'god_rays', 'lens_flare', 'bloom',
        'glow', 'glowing', 'shade', 'spotlight', 'silhouette', 'dark', 'contre-jour', 'sparkle', 'caustics',
        'overexposure', 'dim', 'bokeh', 'lantern', 'chiaroscuro'], tag);

CREATE OR REPLACE MACRO is_framing_tag(tag) AS
    names_framing(tag)
    OR list_contains(['from_above', 'from_below', 'from_behind', 'from_side', 'from_outside', 'dutch_angle', 'fisheye',
        'profile', 'pov', 'pov_hands', 'straight-on', 'three_quarter_view', 'sideways', 'upside-down', 'multiple_views',
        'split_screen', 'depth_of_field', 'blurry', 'blurry_background', 'blurry_foreground', 'face_focus', 'eye_focus',
        'foot_focus', 'hand_focus', 'perspective', 'foreshortening', 'panorama'], tag);

CREATE OR REPLACE MACRO is_pose_tag(tag) AS
    regexp_full_match(tag, '(arms?|hands?|legs?|knees?|leaning|on|looking)_.+|head_(tilt|rest|down|back)')
    AND NOT regexp_matches(tag, '(tattoo|scar|fan|hair|warmers?)$')
    OR regexp_matches(tag, '^(standing|sitting|kneeling|lying|crossed_(arms|legs)|own_hands|outstretched_)')
    OR list_contains(['squatting', 'crouching', 'crawling', 'all_fours', 'jumping', 'running', 'walking', 'dancing',
        'flying', 'falling', 'floating', 'fetal_position', 'fighting_stance', 'seiza', 'wariza', 'indian_style',
        'stretching', 'bent_over', 'arched_back', 'back-to-back', 'hug', 'hugging_own_legs', 'waving', 'pointing',
        'reaching', 'salute', 'v', 'double_v', 'thumbs_up', 'clenched_hand', 'clenched_hands', 'facing_away',
        'facing_viewer', 'spread_legs', 'spread_arms', 'wading', 'swimming', 'riding', 'carrying', 'princess_carry',
        'head_tilt', 'twisted_torso', 'contrapposto', 'outstretched_arm', 'outstretched_arms', 'v_arms',
        'looking_at_viewer', 'praying', 'shushing', 'air_quotes', 'facepalm', 'bowing'], tag);

CREATE OR REPLACE MACRO is_background_tag(tag) AS
    is_setting_tag(tag) OR regexp_matches(tag, '(^|_)background$') OR tag = 'scenery';

CREATE OR REPLACE MACRO is_body_tag(tag) AS
    is_trait_tag(tag)
    OR regexp_matches(
        tag,
        '(^|_)(breasts?|cleavage|navel|midriff|stomach|abs|thighs?|legs|feet|barefoot|toes|armpits?|collarbone|hips'
        || '|waist|shoulders?|neck|nape|back|ears|eyebrows|eyelashes|lips|nails|muscular|skinny|tall|petite|plump|thick'
        || '|toned|biceps|groin|ass)$'
    );

CREATE OR REPLACE MACRO tag_group(tag) AS
    CASE
        WHEN is_people_tag(tag) THEN 'people'
        WHEN is_quality_tag(tag) THEN 'quality'
        WHEN is_expression_tag(tag) THEN 'expression'
        WHEN is_framing_tag(tag) THEN 'framing'
        WHEN is_outfit_tag(tag) OR regexp_matches(tag, '^hair_(ornament|flower|bell|beads)|^eyepatch|_warmers$') THEN
            'clothing'
        WHEN is_light_tag(tag) THEN 'light'
        WHEN is_background_tag(tag) THEN 'background'
        WHEN is_hair_tag(tag) THEN 'hair'
        WHEN is_eye_tag(tag) AND NOT regexp_matches(tag, 'eyebrow|eyelash') THEN 'eyes'
        WHEN is_pose_tag(tag) THEN 'pose'
        WHEN is_body_tag(tag) THEN 'body'
    END;

-- The groups of a tag among those wanted: its own, artist, and those of the map `more` (group: tags).
CREATE OR REPLACE MACRO groups_of(tag, category, more, wanted) AS
    list_filter(
        wanted,
        lambda one: one = tag_group(tag)
            OR (one = 'artist' AND category = 'artist')
            OR is_listed(tag, coalesce(more[one], []))
    );

-- The groups that one caption does without: each is drawn by its share, for the picture and variant.
CREATE OR REPLACE MACRO dropped_groups(seed, variant, key, names, shares) AS
    list_filter(names, lambda one: chance(concat_ws('/', seed, variant, key, 'group', one)) < shares[one]);

-- The word of quality for an aesthetic score: of the words whose minimum it reaches, the one with the highest.
CREATE OR REPLACE MACRO quality_word(words, score) AS
    list_filter(
        map_entries(words),
        lambda one: one.value = list_max(list_filter(map_values(words), lambda least: least <= score))
    )[1].key;
