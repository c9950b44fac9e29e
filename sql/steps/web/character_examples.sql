-- The examples of a character.
--
-- $name   the character
SELECT example_id, appearance, origin, face_id, frame_id, webp IS NOT NULL AS has_picture
FROM examples
WHERE character = $name
ORDER BY appearance NULLS FIRST, example_id
