"""Puts an exported folder on the Hugging Face hub, as a dataset with a card."""
