"""`./run languages [CODE …]`: bring all catalogues up to date, and begin one for each new code."""

import sys

from tests.languages.extract import CATALOGUES, read, update

for code in {*(path.stem for path in CATALOGUES.glob("*.po")), *sys.argv[1:]}:
    path = CATALOGUES / f"{code.replace('-', '_')}.po"
    update(path)
    catalogue = read(path)
    missing = sum(not any(message.string) for message in catalogue if message.id)
    print(f"{path.relative_to(CATALOGUES.parent.parent)}: {len(catalogue)} messages, {missing} to translate")
