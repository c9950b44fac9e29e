"""Lance tables as DuckDB scans them."""
