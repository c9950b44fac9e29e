-- The frames that a search gives.
--
-- {start}   a SELECT with the columns frame_id and similarity
{start}
