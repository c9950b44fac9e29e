"""Files beside pictures that say what is on them, and the labels made of them."""
