"""A real Postfix of our own: private ports, queue and log, which hands everything on to the sink."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digestmail.local.broker import free_port
from tests.bench.options import BenchError, LackingError
from tests.bench.sinks import postfix_program

_SERVICES = """\
127.0.0.1:{port} inet n - n - 100 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - 100 smtp
relay unix - - n - 100 smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

_MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/mail.log
maillog_file_prefixes = {home}
myhostname = postfix.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relayhost = [127.0.0.1]:{next_port}
alias_maps =
alias_database =
local_recipient_maps =
smtp_destination_concurrency_limit = 50
smtp_destination_recipient_limit = 1
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_host_lookup = native
in_flow_delay = 0
disable_vrfy_command = yes
"""


class Postfix:
    """A running Postfix. `log` is what DIGESTMAIL_ASK names."""

    def __init__(self, home: Path, port: int) -> None:
        self.port = port
        self.log = home / "mail.log"


@contextmanager
def running(folder: Path, *, next_port: int) -> Iterator[Postfix]:
    """Start one for the length of the block. Raises LackingError where there is none, or we are not root."""
    program = postfix_program("postfix")
    if program is None:
        raise LackingError("Postfix was not found; on Debian: `apt install postfix`.")
    if os.geteuid() != 0:
        raise LackingError("a Postfix of our own can be started by root alone")
    home = folder / "postfix"
    for name in ("queue", "data", "conf"):
        (home / name).mkdir(parents=True)
    for part in (home, *home.parents):
        if part.stat().st_uid == os.geteuid() and part != Path("/") and part != Path("/tmp"):
            part.chmod(part.stat().st_mode | 0o755)
    shutil.chown(home / "data", "postfix")
    port = free_port()
    (home / "conf" / "main.cf").write_text(_MAIN.format(home=home, next_port=next_port))
    (home / "conf" / "master.cf").write_text(_SERVICES.format(port=port))
    command = [program, "-c", str(home / "conf")]
    started = subprocess.run([*command, "start"], capture_output=True, text=True, check=False)
    if started.returncode:
        raise BenchError(f"Postfix did not start: {started.stderr.strip()} {_log(home)}")
    try:
        yield Postfix(home, port)
    finally:
        subprocess.run([*command, "stop"], capture_output=True, check=False)


def _log(home: Path) -> str:
    path = home / "mail.log"
    return path.read_text()[-2000:] if path.exists() else ""
