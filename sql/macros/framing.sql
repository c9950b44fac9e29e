-- How much of a person a picture shows, as danbooru's tags name it: close-up, portrait, upper_body, cowboy_shot,
-- full_body, wide_shot.
--
--     SELECT frame_id, framing(tag_ids, (SELECT max(fh_ratio) FROM faces WHERE faces.frame_id = frames.frame_id))
--     FROM frames
--
-- A tag decides, the closest view first. Without one the height of the face decides: from 0.55 of the picture's
-- height a close-up, from 0.32 a portrait, from 0.2 upper_body, from 0.13 cowboy_shot, from 0.05 full_body, below it
-- a wide_shot. NULL without a tag and without a face.
--
-- face_height  of a box, as a share of the picture's height; of a head it is 0.6 of the head's height
CREATE OR REPLACE MACRO framing(tags INTEGER[], face_height) AS
    CASE
        WHEN has_tag(tags, 'close-up') THEN 'close-up'
        WHEN has_tag(tags, 'portrait') THEN 'portrait'
        WHEN has_tag(tags, 'upper_body') THEN 'upper_body'
        WHEN has_tag(tags, 'cowboy_shot') THEN 'cowboy_shot'
        WHEN has_tag(tags, 'full_body') THEN 'full_body'
        WHEN has_tag(tags, 'wide_shot') THEN 'wide_shot'
        WHEN has_tag(tags, 'very_wide_shot') THEN 'wide_shot'
        WHEN face_height >= 0.55 THEN 'close-up'
        WHEN face_height >= 0.32 THEN 'portrait'
        WHEN face_height >= 0.2 THEN 'upper_body'
        WHEN face_height >= 0.13 THEN 'cowboy_shot'
        WHEN face_height >= 0.05 THEN 'full_body'
        WHEN face_height IS NOT NULL THEN 'wide_shot'
    END;

CREATE OR REPLACE MACRO face_height(kind, "top", bottom) AS
    CASE kind WHEN 'face' THEN bottom - "top" WHEN 'head' THEN 0.6 * (bottom - "top") END;
