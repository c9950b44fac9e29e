"""What runs a model: pictures or words in, tags, boxes, masks, classes or vectors out."""
