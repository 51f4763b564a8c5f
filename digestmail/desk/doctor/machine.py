"""Judges this machine: its time zones, the secret that signs the links, and the data folder."""

import importlib.metadata
import math
import os
import shutil
import stat
import zoneinfo
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from digestmail.desk.doctor.finding import Finding, ok, problem, skipped, span, warning
from digestmail.settings import Settings

_CLOCK_OFF = timedelta(seconds=30)
_CLOCK_WRONG = timedelta(minutes=5)

_GOOD_BITS = 128
_KNOWN = ("changeme", "change-me", "change_me", "secret", "password", "digestmail", "example", "placeholder", "django")
"""What stands in secrets that were copied from somewhere."""

_LITTLE_SPACE = 1 << 30
_NO_SPACE = 100 << 20


def judge_clock(name: str, ahead: timedelta, *, of: str) -> Finding:
    """How far this machine's clock is ahead of another one."""
    if abs(ahead) < _CLOCK_OFF:
        return ok(name, f"The clock of this machine agrees with that of {of} to {span(max(ahead, -ahead))}.")
    found = (
        f"The clock of this machine is {span(ahead)} {'ahead of' if ahead > timedelta() else 'behind'} that of {of}."
    )
    remedy = "Set the clock by NTP (on Debian: apt install systemd-timesyncd) on the machine that is wrong."
    return (warning if abs(ahead) < _CLOCK_WRONG else problem)(name, found, remedy)


def judge_zones(publication: str, readers: Iterable[str]) -> Finding:
    """Whether the time zone of everybody is known here."""
    wanted = {publication, *readers}
    unknown = sorted(zone for zone in wanted if not _is_zone(zone))
    source = _zone_data()
    if unknown:
        return problem(
            "machine.zones",
            f"The time zone data ({source}) do not know {', '.join(unknown)}.",
            "Bring tzdata up to date: with `./run`, or the system's package.",
        )
    count = "The publication's time zone is" if len(wanted) == 1 else f"All {len(wanted)} time zones in use are"
    return ok("machine.zones", f"{count} known; the data are {source}.")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _zone_data() -> str:
    """Where the zones come from: the system's folder wins over the package."""
    for folder in map(Path, zoneinfo.TZPATH):
        for file, prefix in ((folder / "tzdata.zi", "# version "), (folder / "+VERSION", "")):
            if file.is_file():
                with file.open(encoding="utf-8", errors="replace") as lines:
                    first = lines.readline().strip()
                return f"{first.removeprefix(prefix)} of the system"
        if (folder / "Europe").is_dir():
            return "those of the system"
    return f"{importlib.metadata.version('tzdata')} of the package tzdata"


def look_at_secret(settings: Settings) -> Iterator[Finding]:
    """The secret that signs the links: how hard it is to guess, and who can read it."""
    if settings.secret_key:
        yield judge_secret(settings.secret_key, where="DIGESTMAIL_SECRET_KEY")
        return
    path = settings.data_dir / "secret.key"
    if not path.exists():
        yield skipped("machine.secret", f"There is no secret yet; the first start makes {path}.")
        return
    try:
        yield judge_secret(path.read_text().strip(), where=str(path))
    except PermissionError:
        yield problem(
            "machine.secret", f"{path} cannot be read by this user.", "Run the doctor as the user of the service."
        )
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield problem(
            "machine.secret-file",
            f"Others on this machine may read {path} (its mode is {mode:04o}).",
            f"Close it with: chmod 600 {path}",
        )
    else:
        yield ok("machine.secret-file", f"Only its owner may read {path}.")


def judge_secret(secret: str, *, where: str) -> Finding:
    """Whether nobody can guess it; nothing of it is shown."""
    remedy = (
        'Make another with: python3 -c "import secrets; print(secrets.token_urlsafe(48))". '
        "Links in mails that were sent stop working with the old one."
    )
    if any(word in secret.lower() for word in _KNOWN) and entropy(secret) < 2 * _GOOD_BITS:
        return problem("machine.secret", f"The secret of {where} looks like a placeholder.", remedy)
    if len(secret) < 32 or entropy(secret) < _GOOD_BITS:
        return problem("machine.secret", f"The secret of {where} is easy to guess.", remedy)
    return ok("machine.secret", f"The secret of {where} is {len(secret)} characters long and hard to guess.")


def entropy(secret: str) -> float:
    """Bits of it at most, judged by how often each character comes; a repeated part counts once."""
    part = next(
        (
            secret[:length]
            for length in range(1, len(secret) // 2 + 1)
            if secret == (secret[:length] * len(secret))[: len(secret)]
        ),
        secret,
    )
    counts = Counter(part)
    total = len(part)
    return -sum(count * math.log2(count / total) for count in counts.values())


def look_at_folder(folder: Path) -> Finding:
    """Whether the data folder can be written to and has room."""
    if not folder.exists():
        parent = next(each for each in folder.absolute().parents if each.exists())
        if parent.is_dir() and os.access(parent, os.W_OK):
            return skipped("machine.folder", f"There is no folder {folder} yet; the first start makes it.")
        return problem(
            "machine.folder",
            f"The data folder {folder} does not exist, and this user may not make it.",
            "Make it and give it to the user of the service, or set DIGESTMAIL_DATA_DIR.",
        )
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return problem(
            "machine.folder",
            f"This user may not write into the data folder {folder}.",
            f"Run the doctor as the user of the service, or give the folder to that user: chown -R USER {folder}",
        )
    return judge_space(folder, free=shutil.disk_usage(folder).free)


def judge_space(folder: Path, *, free: int) -> Finding:
    """Whether so many free octets are enough."""
    shown = f"{free / (1 << 30):.1f} GB" if free >= _LITTLE_SPACE else f"{free / (1 << 20):.0f} MB"
    found = f"The data folder {folder} can be written to, and {shown} are free."
    if free >= _LITTLE_SPACE:
        return ok("machine.folder", found)
    remedy = "Make room: on a full disk nothing can be marked, so nothing is sent."
    return (warning if free >= _NO_SPACE else problem)("machine.folder", found, remedy)
