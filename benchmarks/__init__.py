"""Benchmarks of Corten beside PyTorch: `python -m benchmarks --help`."""
