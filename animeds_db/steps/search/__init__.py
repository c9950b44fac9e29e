"""Search by similarity: frames that match words or a picture, and pairs of similar frames or faces."""
