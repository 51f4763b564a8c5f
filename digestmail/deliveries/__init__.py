"""Deliveries: the ledger of who gets which message, and the way of each message to the mail server."""
