"""The web room: the pages that readers meet, the local inbox and the operator's page. Parse, call a room, show."""
