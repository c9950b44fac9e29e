"""The named queries: their files, their parameters, and the values given for them."""
