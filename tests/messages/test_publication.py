from dataclasses import replace

from digestmail.messages.publication import Publication
from digestmail.settings import load_settings
from tests.messages.samples import PUBLICATION


def test_it_is_what_the_settings_describe(tmp_path: object) -> None:
    settings = load_settings(
        {
            "DIGESTMAIL_SITE_NAME": "The  Courier",
            "DIGESTMAIL_SENDER": "Courier Digest <digest@Mail.Example.org>",
            "DIGESTMAIL_BASE_URL": "https://digest.example.org/",
            "DIGESTMAIL_POSTAL_ADDRESS": "Quay 4\nPort Ellery",
            "DIGESTMAIL_DATA_DIR": str(tmp_path),
        }
    )
    publication = Publication.of(settings)
    assert publication.name == "The Courier"
    assert publication.url == "https://digest.example.org"
    assert publication.postal_address == "Quay 4, Port Ellery"
    assert publication.sender_name == "Courier Digest"
    assert publication.sender_address == "digest@mail.example.org"


def test_a_sender_without_a_name_is_called_as_the_publication() -> None:
    publication = replace(PUBLICATION, name="The Courier", sender="digest@a.example")
    assert publication.sender_name == "The Courier"
    assert publication.domain == "a.example"
