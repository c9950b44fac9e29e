"""The bodies of requests and answers of the service."""
