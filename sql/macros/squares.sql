-- Crops around boxes, as left, top, right, bottom relative to the frame (0…1): what an export cuts out.
--
-- face_square  the largest square of the frame with the face in its middle, and near its top: half the face's
--              height above it, as far as the frame allows. With a margin the square is only as large as the
--              face and that share of it on each side, and no more than half its height lies above the face. NULL for a face that no square of the frame can hold.
-- with_margin  the box and that share of its width and height on each side, within the bounds.
--
-- box and bounds are [left, top, right, bottom]; width and height are the frame's, in pixels, so that squares are
-- square. The rule of the square is that of `crop_faces.py` in anime_screenshot_pipeline.
--
-- A lambda over a list of one gives a value a name: a macro's argument is computed anew wherever it stands.
CREATE OR REPLACE MACRO pixels_of(box, width, height) AS {
    'x': round(box[1]::DOUBLE * width), 'y': round(box[2]::DOUBLE * height),
    'w': greatest(round(box[3]::DOUBLE * width) - round(box[1]::DOUBLE * width), 1),
    'h': greatest(round(box[4]::DOUBLE * height) - round(box[2]::DOUBLE * height), 1)
};

CREATE OR REPLACE MACRO square_side(face, bounds, margin) AS
    CASE
        WHEN greatest(face.w, face.h) >= least(bounds.w, bounds.h) THEN NULL
        ELSE least(
            bounds.w, bounds.h,
            coalesce(floor(greatest(face.w, face.h) * (1 + 2 * margin::DOUBLE)), bounds.w)
        )
    END;

CREATE OR REPLACE MACRO within(start, side, low, length) AS
    greatest(low, least(start, low + length - side));

CREATE OR REPLACE MACRO face_square(box, width, height, margin := NULL, bounds := [0, 0, 1, 1]) AS
    list_transform(
        [{'face': pixels_of(box, width, height), 'bounds': pixels_of(bounds, width, height)}],
        lambda p: list_transform(
            [square_side(p.face, p.bounds, margin)],
            lambda side: list_transform(
                [{
                    'x': within(floor(p.face.x + p.face.w / 2) - floor(side / 2), side, p.bounds.x, p.bounds.w),
                    -- half the face's height above it, and the rest below, for the body; where a margin leaves less
                    -- than that, as much above as below; never so little below that a tall face loses its chin
                    'y': within(
                        p.face.y - least(
                            floor(p.face.h / 2),
                            CASE WHEN margin IS NULL THEN side - p.face.h ELSE floor((side - p.face.h) / 2) END
                        ),
                        side, p.bounds.y, p.bounds.h
                    )
                }],
                lambda corner: CASE
                    WHEN side IS NULL THEN NULL::DOUBLE[]
                    ELSE [
                        corner.x / width, corner.y / height,
                        (corner.x + side) / width, (corner.y + side) / height
                    ]
                END
            )[1]
        )[1]
    )[1];

CREATE OR REPLACE MACRO with_margin(box, margin, bounds := [0, 0, 1, 1]) AS [
    greatest(bounds[1]::DOUBLE, box[1]::DOUBLE - margin::DOUBLE * (box[3]::DOUBLE - box[1]::DOUBLE)),
    greatest(bounds[2]::DOUBLE, box[2]::DOUBLE - margin::DOUBLE * (box[4]::DOUBLE - box[2]::DOUBLE)),
    least(bounds[3]::DOUBLE, box[3]::DOUBLE + margin::DOUBLE * (box[3]::DOUBLE - box[1]::DOUBLE)),
    least(bounds[4]::DOUBLE, box[4]::DOUBLE + margin::DOUBLE * (box[4]::DOUBLE - box[2]::DOUBLE))
];
