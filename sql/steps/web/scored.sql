-- The frames of a search.
--
-- {start}   a SELECT with the columns frame_id and similarity
{start}
