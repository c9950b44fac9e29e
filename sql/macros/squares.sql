-- Crops around boxes, as left, top, right, bottom relative to the frame (0…1). An export cuts these out.
--
-- face_square  the largest square in the frame with the face centred horizontally and near the top: half the height of
--              the face is left above it, if the frame allows. With a margin, the square has the size of the face plus
--              that share of it on each side, with at most half the face's height above. NULL for a face that does not
--              fit into any square of the frame.
-- with_margin  the box plus that share of its width and height on each side, within the bounds.
--
-- box and bounds are [left, top, right, bottom]. width and height are the frame's, in pixels. The rule for the square
-- is that of `crop_faces.py` in anime_screenshot_pipeline.
--
-- DuckDB computes the argument of a macro each time the macro mentions it. list_transform() over a list of one value
-- computes it once and gives it a name.
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

-- Half the face's height, so that the rest of the square shows the body. If a margin leaves less room than that, half
-- of the room is above the face. There is always enough room below for the chin of a tall face.
CREATE OR REPLACE MACRO room_above(face, side, margin) AS
    least(
        floor(face.h / 2),
        CASE WHEN margin IS NULL THEN side - face.h ELSE floor((side - face.h) / 2) END
    );

CREATE OR REPLACE MACRO square_at(face, bounds, side, margin) AS {
    'x': within(floor(face.x + face.w / 2) - floor(side / 2), side, bounds.x, bounds.w),
    'y': within(face.y - room_above(face, side, margin), side, bounds.y, bounds.h),
    'side': side
};

CREATE OR REPLACE MACRO relative_square(square, width, height) AS
    CASE
        WHEN square.side IS NULL THEN NULL::DOUBLE[]
        ELSE [
            square.x / width, square.y / height,
            (square.x + square.side) / width, (square.y + square.side) / height
        ]
    END;

-- Read from the inside out: the boxes in pixels, the length of a side, the square in pixels, the relative square.
CREATE OR REPLACE MACRO face_square(box, width, height, margin := NULL, bounds := [0, 0, 1, 1]) AS
    list_transform(
        list_transform(
            list_transform(
                [{'face': pixels_of(box, width, height), 'bounds': pixels_of(bounds, width, height)}],
                lambda p: {'face': p.face, 'bounds': p.bounds, 'side': square_side(p.face, p.bounds, margin)}
            ),
            lambda p: square_at(p.face, p.bounds, p.side, margin)
        ),
        lambda square: relative_square(square, width, height)
    )[1];

CREATE OR REPLACE MACRO with_margin(box, margin, bounds := [0, 0, 1, 1]) AS [
    greatest(bounds[1]::DOUBLE, box[1]::DOUBLE - margin::DOUBLE * (box[3]::DOUBLE - box[1]::DOUBLE)),
    greatest(bounds[2]::DOUBLE, box[2]::DOUBLE - margin::DOUBLE * (box[4]::DOUBLE - box[2]::DOUBLE)),
    least(bounds[3]::DOUBLE, box[3]::DOUBLE + margin::DOUBLE * (box[3]::DOUBLE - box[1]::DOUBLE)),
    least(bounds[4]::DOUBLE, box[4]::DOUBLE + margin::DOUBLE * (box[4]::DOUBLE - box[2]::DOUBLE))
];
