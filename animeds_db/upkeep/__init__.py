"""Maintenance of a database: compaction, cleaning, backups, indexes, named versions.

None of this changes the results of queries, even if it is interrupted.
"""
