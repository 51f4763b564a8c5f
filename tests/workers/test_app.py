"""The worker's process and beat's: each has what it needs, and one that cannot begin ends."""

import os
import subprocess
import sys
from pathlib import Path

from digestmail.settings import PREFIX
from tests.services import free_port


def run(*command: str, data: Path) -> subprocess.CompletedProcess[str]:
    """A Python process with the settings of a worker whose broker is away."""
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
    ours = {f"{PREFIX}DATA_DIR": str(data), f"{PREFIX}REDIS_URL": f"redis://127.0.0.1:{free_port()}"}
    return subprocess.run(
        [sys.executable, *command], env=environment | ours, capture_output=True, text=True, timeout=60, check=False
    )


def test_beat_knows_the_tasks_without_what_a_worker_needs_for_them(tmp_path: Path) -> None:
    look = "import sys, workers.tasks; print(*workers.tasks.app.tasks, 'digestmail.desk.service' in sys.modules)"
    *tasks, has_the_service = run("-c", look, data=tmp_path).stdout.split()
    assert {"digestmail.deliver", "digestmail.collect"} <= set(tasks)
    assert has_the_service == "False"


def test_a_worker_that_cannot_begin_ends_and_says_why(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    ended = run("-m", "celery", "--app", "workers.app", "worker", "--pool", "threads", data=in_the_way / "data")
    assert ended.returncode == 1
    assert "The worker cannot begin: " in ended.stderr
    assert "file/data" in ended.stderr
