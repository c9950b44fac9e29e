"""Moving pictures: from a selection of clips to files for video trainers.

They are exported as pictures are, with the same captions, folders, layouts and manifest. A clip is a picture with more
frames: one of them, an ingested frame, represents it, and has its tags and boxes.
"""
