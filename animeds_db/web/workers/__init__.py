"""Processes beside the service: they run SQL and exports for clients, within limits."""
