"""Episodes and pictures in, rows out."""
