-- Small pictures of the frames: WebP, longer edge 256 pixels.
CREATE OR REPLACE VIEW thumbnails AS
SELECT * FROM lance_thumbnails;
