"""Captioners: models that describe a picture in sentences, at an address or on this machine."""
