-- The position of a face in words. left, top, right, bottom are relative to the picture, 0…1.
--
--     SELECT f.face_id, face_words(f.left, f.top, f.right, f.bottom), face_place(f.left, f.right) FROM faces f
--
-- face_words gives two of the ten tokens of the anime screenshot pipeline, for the centre of the face: 'fhml fvtp'.
-- face_place gives the words that this pipeline uses now: 'at left', 'in the middle', 'at right'.
CREATE OR REPLACE MACRO face_words(face_left, face_top, face_right, face_bottom) AS
    CASE
        WHEN (face_left + face_right) / 2 < 0.2 THEN 'fhll'
        WHEN (face_left + face_right) / 2 < 0.4 THEN 'fhml'
        WHEN (face_left + face_right) / 2 < 0.6 THEN 'fhmd'
        WHEN (face_left + face_right) / 2 < 0.8 THEN 'fhmr'
        ELSE 'fhri'
    END || ' ' ||
    CASE
        WHEN (face_top + face_bottom) / 2 < 0.2 THEN 'fvtp'
        WHEN (face_top + face_bottom) / 2 < 0.4 THEN 'fvmt'
        WHEN (face_top + face_bottom) / 2 < 0.6 THEN 'fvmd'
        WHEN (face_top + face_bottom) / 2 < 0.8 THEN 'fvmb'
        ELSE 'fvbt'
    END;

CREATE OR REPLACE MACRO face_place(face_left, face_right) AS
    CASE
        WHEN (face_left + face_right) / 2 < 0.38 THEN 'at left'
        WHEN (face_left + face_right) / 2 < 0.62 THEN 'in the middle'
        ELSE 'at right'
    END;
