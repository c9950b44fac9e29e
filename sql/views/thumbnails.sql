-- Small pictures of the frames, in WebP. The longer edge has 256 pixels.
CREATE OR REPLACE VIEW thumbnails AS
SELECT * FROM lance_thumbnails;
