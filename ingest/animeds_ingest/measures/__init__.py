"""Measurements on frames without models: borders, text, sharpness, hashes, cuts."""
