"""Drawings to train and measure with: varied people, places, things that are no faces, lights, and what coding does."""
