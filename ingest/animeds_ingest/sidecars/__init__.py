"""Sidecars: files beside pictures that describe them, and the labels made from them."""
