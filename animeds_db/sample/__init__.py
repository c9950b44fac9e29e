"""The sample show: characters, places and stories drawn, filmed and described by the package itself.

Its one rule: it imports nothing of the house but errors, so it can judge every other room.
"""
