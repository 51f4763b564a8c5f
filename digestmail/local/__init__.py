"""What one machine needs with nothing configured: the supervisor, a broker, a local inbox and a demo publication."""
