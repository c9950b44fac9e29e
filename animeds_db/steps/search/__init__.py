"""Search by similarity: frames near words or a picture, and pairs of similar frames or faces."""
