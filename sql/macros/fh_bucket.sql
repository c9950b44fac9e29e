-- The folder for a face height: 'face_height_ratio_25-50' for a face of 31 % of the frame's height.
--
-- ratio is 0…1 (faces.fh_ratio); step is in per cent. 100 % counts as 99 %, so that it is in the last bucket.
CREATE OR REPLACE MACRO fh_per_cent(ratio) AS
    CASE WHEN ratio < 1 THEN floor(ratio::DOUBLE * 100)::INTEGER WHEN ratio >= 1 THEN 99 END;

CREATE OR REPLACE MACRO fh_bucket(ratio, step := 25) AS
    format(
        'face_height_ratio_{}-{}',
        fh_per_cent(ratio) // step::INTEGER * step::INTEGER,
        fh_per_cent(ratio) // step::INTEGER * step::INTEGER + step::INTEGER
    );
