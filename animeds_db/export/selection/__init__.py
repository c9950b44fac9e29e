"""From a selection to a plan: one row per picture, with its folder, caption, crop and repeats."""
