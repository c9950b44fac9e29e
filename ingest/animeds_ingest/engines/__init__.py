"""The engines that run an ingest: this machine, or workers on Ray."""
