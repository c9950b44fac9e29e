"""What benchmarks share: material, timing, plots."""
