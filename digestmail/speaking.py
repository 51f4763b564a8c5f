"""Lets Jinja templates speak: one environment serves all languages, and each rendering says in which it speaks."""

from jinja2 import Environment, pass_context
from jinja2.ext import InternationalizationExtension
from jinja2.runtime import Context

from digestmail.language import Language


def speak(environment: Environment) -> None:
    """Let templates say messages in the value `language`: `{{ _("For %(address)s", address=address) }}`, `ngettext`.

    In HTML a message is markup and its values are escaped, so no message has `<`, `>` or `&` in it.
    """
    environment.add_extension(InternationalizationExtension)
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]


@pass_context
def _gettext(context: Context, message: str) -> str:
    return _language(context).gettext(message)


@pass_context
def _ngettext(context: Context, one: str, many: str, number: int) -> str:
    return _language(context).ngettext(one, many, number)


def _language(context: Context) -> Language:
    language: Language = context["language"]
    return language
