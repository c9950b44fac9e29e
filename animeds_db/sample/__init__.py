"""The sample show: the package draws, encodes and describes its own characters, places and stories.

It imports only errors from the rest of the project, so it can be used to test every other package.
"""
