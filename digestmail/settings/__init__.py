"""Settings from the environment: every name starts with DIGESTMAIL_, and an unknown or bad one stops the start."""

from digestmail.settings.load import load_settings
from digestmail.settings.model import CATCH_UP, PREFIX, Network, Settings
from digestmail.settings.relay import Relay, is_this_machine, read_relay

__all__ = ["CATCH_UP", "PREFIX", "Network", "Relay", "Settings", "is_this_machine", "load_settings", "read_relay"]
