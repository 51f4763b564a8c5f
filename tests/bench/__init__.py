"""The bench: a whole slot through real workers, measured beside its yardsticks on the same sink (`./run bench`)."""
