"""A supervisor over stand-ins, as a program of its own: `python -m tests.local.row FOLDER NAME=SHELL-COMMAND …`.

A stand-in is ready when it has written its process id to `pids/NAME`.
"""

import os
import sys
from pathlib import Path

from rich.console import Console

from digestmail.local.child import Service
from digestmail.local.signals import Signals
from digestmail.local.supervisor import Supervisor

folder = Path(sys.argv[1])
row = [argument.partition("=") for argument in sys.argv[2:]]
lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
with Signals() as signals:
    supervisor = Supervisor(
        [
            Service(name=name, command=("sh", "-c", command), is_ready=(folder / "pids" / name).exists, patience=1)
            for name, _, command in row
        ],
        environment=dict(os.environ),
        logs=folder / "logs",
        lock=lock,
        console=Console(),
        signals=signals,
    )
    try:
        if supervisor.start():
            print("up", flush=True)
            supervisor.watch()
    finally:
        supervisor.stop()
    print("stopped", flush=True)
