"""What fills the columns of a plan: folders, repeats, captions, crops, masks."""
