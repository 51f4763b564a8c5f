"""The operator's doctor: looks at everything that an installation stands on, changes nothing, and says what to do."""
