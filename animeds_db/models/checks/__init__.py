"""Ten drawn pictures with the truth about them, drawn by training/check_pictures.py."""
