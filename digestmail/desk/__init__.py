"""The desk: what the operator is shown."""
