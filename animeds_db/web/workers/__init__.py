"""Processes that run SQL and exports for clients of the service, within limits."""
