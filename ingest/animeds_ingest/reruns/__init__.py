"""Runs models and readers on frames that are in the database: tag, detect, embed, describe, read-text --ocr."""
