"""Faults on real processes, and a judge outside them: `./run chaos`. See docs/reliability.md."""
