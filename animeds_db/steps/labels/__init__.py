"""Corrections by people: rows of the table `labels`, which win over every model."""
