"""The server behind ``filmstrip view``: records as JSON, pictures by digest, changes as events."""
