"""A bad setting stops the start with its name, its value and the mend."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from digestmail.errors import SettingsError
from digestmail.secret import secret_of
from digestmail.settings import Relay, Settings, load_settings, read_relay


def load(folder: Path, **values: str) -> Settings:
    return load_settings({f"DIGESTMAIL_{name}": value for name, value in values.items()}, folder=folder)


def test_nothing_needs_to_be_set(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.relay is None
    assert settings.database == "sqlite:///data/digestmail.db"
    assert settings.public_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("name", "value", "mend"),
    [
        ("PROT", "8001", "Did you mean DIGESTMAIL_PORT"),
        ("FROBNICATE", "1", "may stand: ACCENT_COLOR, ARCHIVE, ARCHIVE_DAYS, ASK, BASE_URL"),
        ("PORT", "http", "valid integer"),
        ("ARCHIVE", "maybe", "use on or off"),
        ("ARCHIVE_DAYS", "6", "greater than or equal to 7"),
        ("CATCH_UP", "soon", "6h or 90m"),
        ("CATCH_UP", "1m", "from 15m to 24h"),
        ("CATCH_UP", "25", "from 15m to 24h"),
        ("DOUBT", "ask", "'resend' or 'hold'"),
        ("ASK", "/var/log/mail.log", "postfix:/path/to/mail.log"),
        ("PORT", "70000", "65535"),
        ("BASE_URL", "digest.example.org", "https://digest.example.org"),
        ("DEFAULT_TIME_ZONE", "Berlin", "Europe/Berlin"),
        ("DATABASE_URL", "mysql://localhost/x", "postgresql://"),
        ("REDIS_URL", "localhost:6379", "redis://host:6379/0"),
        ("SMTP_URL", "mail.example.org", "smtp://user:password@host:587"),
        ("SMTP_URL", "smtp://localhost?tls=no", "?security=plain"),
        ("OPERATOR", "me", "you@example.org"),
        ("OPERATOR", "a@example.org, b@example.org", "you@example.org"),
        ("SENDER", "The Courier", "digest@example.org"),
        ("SENDER", "A\r\nBcc: x <a@example.org>", "one line"),
        ("CONFIRMATION_SENDER", "confirm", "digest@example.org"),
        ("BOUNCES", "example.org", "bounces@example.org"),
        ("BOUNCES", "*+*@example.org", "*@bounces.example.org"),
        ("BOUNCES", "all-mail-that-comes-back-from-the-people@example.org", "37 letters"),
        ("DKIM_SELECTOR", "s 2026", "such as s2026"),
        ("LOGO_URL", "logo.png", "https://example.org/logo.png"),
        ("LOGO_URL", "https://a.example;script-src/logo.png", "https://example.org/logo.png"),
        ("LOGO_URL", "http://example.org/logo.png", "https://example.org/logo.png"),
        ("LOGO_URL", "https://example.org/logo.png", "LOGO_URL and LOGO_SIZE go together"),
        ("LOGO_SIZE", "wide", "such as 240x60"),
        ("LOGO_SIZE", "1200x60", "at most 576x200"),
        ("ACCENT_COLOR", "teal", "such as #0b5c6b"),
        ("FONTS", "Charter, Georgia", "Charter, Georgia, serif"),
        ("FONTS", "x; } body { display: none, serif", "Charter, Georgia, serif"),
        ("SECRET_KEY", "short", "32 random characters"),
        ("FEED_ALLOWED_NETWORKS", "10.0.0.0/8, here", "'here'"),
    ],
)
def test_what_is_wrong_is_named_with_the_mend(tmp_path: Path, name: str, value: str, mend: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, **{name: value})
    assert f"DIGESTMAIL_{name}" in str(caught.value)
    assert mend in str(caught.value)


def test_a_wrong_value_is_shown_and_a_secret_is_not(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="“http”"):
        load(tmp_path, PORT="http")
    secrets = {"SECRET_KEY": "hunter2", "SMTP_URL": "user:hunter2@host:587", "REDIS_URL": "x:hunter2@host"}
    for name, value in secrets.items():
        with pytest.raises(SettingsError) as caught:
            load(tmp_path, **{name: value})
        assert "hunter2" not in str(caught.value)


def test_names_of_hosts_become_ascii_as_headers_need_them(tmp_path: Path) -> None:
    settings = load(tmp_path, SENDER="Bücher <info@bücher.example>", BASE_URL="https://bücher.example:8443/post/")
    assert settings.sender == "Bücher <info@xn--bcher-kva.example>"
    assert settings.public_url == "https://xn--bcher-kva.example:8443/post"


def test_settings_that_go_together_are_named_together(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="DIGESTMAIL_BOUNCES must be set"):
        load(tmp_path, SENDER="all-that-is-new-in-the-town-and-its-harbour@example.org")
    with pytest.raises(SettingsError, match="DIGESTMAIL_DKIM_KEY and DKIM_SELECTOR go together"):
        load(tmp_path, DKIM_KEY="dkim.pem")


@pytest.mark.parametrize(
    ("bounces", "pattern"),
    [
        ("", "digest+*@example.org"),
        ("bounces@example.org", "bounces+*@example.org"),
        ("*@Bounces.example.org", "*@bounces.example.org"),
        ("none", None),
    ],
)
def test_where_a_message_comes_back_to(tmp_path: Path, bounces: str, pattern: str | None) -> None:
    assert load(tmp_path, SENDER="Digest <digest@example.org>", BOUNCES=bounces).bounce_pattern == pattern


def test_letters_have_a_sender_of_their_own(tmp_path: Path) -> None:
    sender = "Digests <digest@example.org>"
    assert load(tmp_path, SENDER=sender).sender_of_letters == "Digests <digest+confirm@example.org>"
    assert load(tmp_path, SENDER=sender, CONFIRMATION_SENDER="hi@example.org").sender_of_letters == "hi@example.org"


def test_a_second_key_may_sign(tmp_path: Path) -> None:
    settings = load(tmp_path, DKIM_KEY="rsa.pem, /etc/ed.pem", DKIM_SELECTOR="s1,s2", DKIM_DOMAIN="Bücher.example")
    assert settings.dkim_key == (Path("rsa.pem"), Path("/etc/ed.pem"))
    assert (settings.dkim_selector, settings.dkim_domain) == (("s1", "s2"), "xn--bcher-kva.example")


def test_mail_does_not_leave_the_machine_without_a_postal_address(tmp_path: Path) -> None:
    relay = "smtp://user:p%40ss@mail.example.org"
    with pytest.raises(SettingsError, match="DIGESTMAIL_POSTAL_ADDRESS must be set"):
        load(tmp_path, SMTP_URL=relay)
    settings = load(tmp_path, SMTP_URL=relay, POSTAL_ADDRESS="1 Main Street")
    assert settings.relay == Relay("mail.example.org", 587, "starttls", "user", "p@ss")


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://127.0.0.1:2525", Relay("127.0.0.1", 2525, "plain")),
        ("smtp://localhost", Relay("localhost", 25, "plain")),
        ("smtps://mail.example.org", Relay("mail.example.org", 465, "tls")),
        ("smtp://mail:1025?security=plain", Relay("mail", 1025, "plain")),
    ],
)
def test_how_to_speak_to_the_relay(url: str, relay: Relay) -> None:
    assert read_relay(url) == relay


@pytest.mark.parametrize(
    ("value", "minutes"), [("6h", 360), ("6", 360), ("1.5 h", 90), ("90m", 90), ("90 min", 90), ("PT2H", 120)]
)
def test_how_late_a_digest_may_go_out(tmp_path: Path, value: str, minutes: int) -> None:
    assert load(tmp_path, CATCH_UP=value).catch_up == timedelta(minutes=minutes)


def test_the_language_is_one_that_there_is(tmp_path: Path) -> None:
    assert load(tmp_path).language == "en"
    assert load(tmp_path, LANGUAGE="es_MX").language == "es"
    with pytest.raises(SettingsError, match=r"DIGESTMAIL_LANGUAGE.*no such language; there are en, ar, es"):
        load(tmp_path, LANGUAGE="klingon")


def test_the_environment_wins_over_files(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "settings.env").write_text("DIGESTMAIL_SITE_NAME=Demo\nDIGESTMAIL_SENDER=D <d@example.org>\n")
    (tmp_path / ".env").write_text("DIGESTMAIL_SITE_NAME=Ours\nOTHER=1\nDIGESTMAIL_PORT=8001\n")
    settings = load(tmp_path, DATA_DIR=str(data), PORT="8002")
    assert (settings.site_name, settings.sender, settings.port) == ("Ours", "D <d@example.org>", 8002)


def test_an_empty_value_is_as_if_not_set(tmp_path: Path) -> None:
    assert load(tmp_path, SMTP_URL="", SECRET_KEY="").relay is None


def test_the_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    settings = load(tmp_path, DATA_DIR=str(tmp_path / "data"))
    secret = secret_of(settings)
    assert len(secret) >= 32
    assert secret_of(settings) == secret
    [file] = (tmp_path / "data").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret_of(load(tmp_path, SECRET_KEY="x" * 32)) == "x" * 32


def test_the_demos_invented_sender_does_not_leave_the_machine(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "settings.env").write_text('DIGESTMAIL_POSTAL_ADDRESS="7 Ropewalk Lane"\nDIGESTMAIL_SITE_NAME=Demo\n')
    assert load(tmp_path, DATA_DIR=str(data), SMTP_URL="smtp://127.0.0.1:2525").site_name == "Demo"
    with pytest.raises(SettingsError, match="POSTAL_ADDRESS must be set"):
        load(tmp_path, DATA_DIR=str(data), SMTP_URL="smtp://mail.example.org")
