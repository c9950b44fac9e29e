"""Object storage (s3://, gs://, az://): paths, requests and read-ahead."""
