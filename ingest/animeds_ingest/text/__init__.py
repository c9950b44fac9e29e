"""Writes the words of videos: subtitle tracks and files, chapters, and the text that is burned into the pictures."""
