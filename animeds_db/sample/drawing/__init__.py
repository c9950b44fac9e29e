"""How the people and rooms of the sample show are drawn."""
