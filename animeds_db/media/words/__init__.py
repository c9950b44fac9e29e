"""The words of a video: its subtitles and its chapters."""
