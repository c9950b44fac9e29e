-- How much two boxes overlap. A box is left, top, right, bottom, relative to the frame.
--
-- iou(…)     intersection over union, 0…1
-- inside(…)  the share of the first box that lies in the second, 0…1
CREATE OR REPLACE MACRO box_area(l, t, r, b) AS
    greatest(r::DOUBLE - l::DOUBLE, 0) * greatest(b::DOUBLE - t::DOUBLE, 0);

CREATE OR REPLACE MACRO shared_area(l, t, r, b, l2, t2, r2, b2) AS
    box_area(greatest(l, l2), greatest(t, t2), least(r, r2), least(b, b2));

CREATE OR REPLACE MACRO iou(l, t, r, b, l2, t2, r2, b2) AS
    coalesce(
        shared_area(l, t, r, b, l2, t2, r2, b2) / nullif(
            box_area(l, t, r, b) + box_area(l2, t2, r2, b2) - shared_area(l, t, r, b, l2, t2, r2, b2), 0
        ),
        0
    );

CREATE OR REPLACE MACRO inside(l, t, r, b, l2, t2, r2, b2) AS
    coalesce(shared_area(l, t, r, b, l2, t2, r2, b2) / nullif(box_area(l, t, r, b), 0), 0);
