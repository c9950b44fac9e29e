"""What keeps a database fit: its history, compaction and cleaning, copies, indexes, tables of older releases.

Its one rule: whatever is done here, and whenever it is killed, the answers stay the same.
"""
