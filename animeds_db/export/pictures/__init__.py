"""A picture of an export, and how its pixels are cut, scaled, masked and encoded."""
