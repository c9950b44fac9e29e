-- Is a tag about people, hair, eyes or the outfit? For captions that leave some of these tags out.
--
--     SELECT tag, count(*) FROM tags WHERE is_outfit_tag(tag) GROUP BY tag
--
-- Hair and eye tags are those of the anime screenshot pipeline: tags that contain 'hair', 'ponytail', 'twintail' or
-- 'eye' ('hair_ornament' and 'closed_eyes' too), and the hair words that it added later, as whole words.
-- Outfit tags are those with a word of danbooru's tag group "Attire".
CREATE OR REPLACE MACRO is_people_tag(tag) AS
    regexp_full_match(
        tag, 'solo(_focus)?|[1-6]\+?(girl|boy|other)s?|multiple_(girls|boys|others)|no_humans'
    );

CREATE OR REPLACE MACRO is_hair_tag(tag) AS
    regexp_matches(
        tag,
        'hair|ponytail|twintail|(^|_)(braid|braids|braided|bun|buns|bangs|ahoge|sidelocks|drill|drills|bald)(_|$)'
    );

CREATE OR REPLACE MACRO is_eye_tag(tag) AS
    regexp_matches(tag, 'eye|heterochromia|(^|_)pupils?(_|$)');

-- Permanent looks of the eyes ('red_eyes', not 'closed_eyes'), and other traits of the body.
CREATE OR REPLACE MACRO is_eye_color_tag(tag) AS
    regexp_full_match(
        tag, '(red|blue|green|yellow|purple|brown|black|aqua|pink|grey|orange|golden|amber|white)_eyes|heterochromia'
    );

CREATE OR REPLACE MACRO is_trait_tag(tag) AS
    regexp_matches(
        tag,
        '(^|_)(skin|horns?|tail|wings|halo|fangs?|animal_ears|cat_ears|fox_ears|rabbit_ears|wolf_ears|pointy_ears'
        || '|mole|freckles|scar|beard|mustache)(_|$)'
    );

CREATE OR REPLACE MACRO is_outfit_tag(tag) AS
    regexp_matches(
        tag,
        '(^|_|-)(' || array_to_string([
            'dress', 'skirt', 'shirt', 'blouse', 'sweater', 'cardigan', 'hoodie', 'jacket', 'coat', 'vest', 'cape',
            'cloak', 'robe', 'kimono', 'yukata', 'hakama', 'obi', 'uniform', 'serafuku', 'gakuran', 'tracksuit',
            'haori', 'cheongsam', 'suit', 'costume', 'clothes', 'clothing', 'armou?r', 'apron', 'pinafore',
            'overalls', 'pants', 'shorts', 'jeans', 'leggings', 'pantyhose', 'thighhighs', 'kneehighs', 'socks',
            'legwear', 'garter', 'shoes', 'boots', 'sandals', 'slippers', 'sneakers', 'loafers', 'footwear', 'heels',
            'gloves', 'mittens', 'hat', 'cap', 'beret', 'hood', 'headwear', 'helmet', 'crown', 'tiara', 'veil',
            'hairband', 'hairclip', 'hairpin', 'scrunchie', 'headband', 'ribbon', 'bow', 'bowtie', 'necktie',
            'neckerchief', 'scarf', 'collar', 'choker', 'necklace', 'pendant', 'earrings', 'earring', 'bracelet',
            'jewelry', 'ring', 'brooch', 'glasses', 'sunglasses', 'eyewear', 'goggles', 'mask', 'sleeves',
            'sleeveless', 'capelet', 'belt', 'sash', 'swimsuit', 'bikini', 'leotard', 'bodysuit', 'underwear', 'bra',
            'panties', 'pajamas', 'buttons', 'zipper', 'headphones', 'wristband', 'cuffs', 'bag'
        ], '|') || ')(_|$)'
    );

-- The kind of a tag for captions: people, hair, eyes, outfit or other.
CREATE OR REPLACE MACRO kind_of_tag(tag) AS
    CASE
        WHEN is_people_tag(tag) THEN 'people'
        WHEN is_hair_tag(tag) THEN 'hair'
        WHEN is_eye_tag(tag) THEN 'eyes'
        WHEN is_outfit_tag(tag) THEN 'outfit'
        ELSE 'other'
    END;
