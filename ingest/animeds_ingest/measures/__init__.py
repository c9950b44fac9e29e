"""What is measured on a frame without a model: borders, text, sharpness, hashes, cuts."""
