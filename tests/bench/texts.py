"""Invented news in several languages: the topics, and stories of the length that feeds have (pure)."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

_TOPICS = (
    "World", "City & Region", "Climate", "Science", "Culture", "Technology", "Health", "Labour", "Sport",
    "Education", "Food & Drink", "Housing", "Courts", "Energy", "Music", "Opinion", "Travel", "Books",
    "Börse & Märkte", "Sciences humaines",
)  # fmt: skip

_NEWSROOMS = {
    "The Harbour Courier": (0.60, ("Ilinca Dobre", "Tom Achebe", "Ruth Lindqvist", "Sam O’Hara")),
    "Seeblick Zeitung": (0.15, ("Jörg Grünwald", "Änne Köhler")),
    "La Gazette du Détroit": (0.12, ("Zoé Lefèvre", "François Nuñez")),
    "Kurier Północny": (0.07, ("Łucja Wójcik", "Stanisław Żak")),
    "Η Εφημερίδα του Λιμανιού": (0.04, ("Ελένη Παππά",)),
    "港日報": (0.02, ("佐藤 美咲",)),
}

_HEADLINES = {
    "The Harbour Courier": (
        "Harbour board puts the night ferry back on the winter timetable after three years",
        "What the new tram line changes for the eastern districts, street by street",
        "“We counted every tree”: how volunteers mapped the last old forest of the strait",
        "Council votes 31 to 14 for cheaper rents near the old shipyard",
        "Record low water uncovers a mediaeval bridge & a boat nobody had missed",
        "Teachers and city agree on smaller classes, but not on when they begin",
    ),
    "Seeblick Zeitung": (
        "Fähre über den Sund fährt ab Dezember wieder in der Nacht – und früher als gedacht",
        "Warum die Bürgerinnen von Süderhöft für ihre Bücherei auf die Straße gehen",
        "Größte Solaranlage der Küste: Gemeinde räumt letzte Einwände aus",
    ),
    "La Gazette du Détroit": (
        "Après la crue, les maraîchers du delta replantent déjà les premières rangées",
        "À l’école du port, trente élèves réécrivent l’histoire de leur quartier",
        "Le théâtre fermé depuis dix ans rouvrira à l’été, annonce la mairie",
    ),
    "Kurier Północny": (
        "Mieszkańcy nabrzeża żądają cichszych nocy i więcej drzew przy torach",
        "Pierwszy śnieg sparaliżował górską kolej; pasażerów przewożą łodzie",
    ),
    "Η Εφημερίδα του Λιμανιού": (
        "Το παλιό λιμάνι ανοίγει ξανά για τα μικρά καΐκια μετά από είκοσι χρόνια",
        "Νέα γέφυρα για πεζούς ενώνει τις δύο όχθες του ποταμού",
    ),
    "港日報": (
        "二十年ぶりに再開する夜行フェリー、初便に市民三百人が乗船",
        "海峡の観測所、冬の星図を市民と作る計画を発表",
    ),
}

_SENTENCES = {
    "The Harbour Courier": (
        "The board met for six hours behind closed doors before it published the figures, which are worse than feared.",
        "“Nobody here expected the water to come back so quickly,” says the keeper of the lock, who has seen it twice.",
        "According to the report, one in four households would save more than £200 a year from next spring on.",
        "Critics doubt that the money will last; supporters point to three towns where the same plan works since 2019.",
        "A decision is due on Thursday, and until then both sides keep talking in the café opposite the town hall.",
        "The researchers compared 1,840 samples from the bay with those that their predecessors had left in a cellar.",
        "What remains is a question that the inquiry was never asked: who had known of the cracks, and since when?",
    ),
    "Seeblick Zeitung": (
        "Die Behörde prüft nun, ob die Brücke über den Fluss überhaupt noch für schwere Züge geöffnet bleiben kann.",
        "„Wir hätten früher fragen müssen“, räumt die Bürgermeisterin ein – und kündigt für März eine Anhörung an.",
        "Für die Höfe am Deich bedeutet das: größere Flächen, höhere Kosten und ein Jahr länger warten.",
        "Über 4.000 Unterschriften sind zusammengekommen, müssen aber noch gezählt und geprüft werden.",
    ),
    "La Gazette du Détroit": (
        "Les bénévoles, réunis dès l’aube, ont préparé près de huit cents repas avant que la première équipe ne parte.",
        "« Ce n’est pas une réponse, c’est un début », répète l’élue, qui espère un vote à l’unanimité dès février.",
        "L’étude, menée pendant dix ans, démontre que les forêts côtières ont perdu un tiers de leurs espèces.",
    ),
    "Kurier Północny": (
        "Według raportu straż pożarna wyjeżdżała tej nocy częściej niż w całym ubiegłym miesiącu razem wziętym.",
        "„Przyjedźcie i zobaczcie sami” – mówi sołtys, który od trzech lat zbiera podpisy pod wnioskiem o most.",
        "Urząd odpowiada, że pieniądze są, brakuje jednak zgody właścicieli działek położonych wzdłuż rzeki.",
    ),
    "Η Εφημερίδα του Λιμανιού": (
        "Οι κάτοικοι ζητούν από τον δήμο να μείνει η παραλία ανοιχτή και τον χειμώνα.",
        "Η μελέτη δείχνει ότι το νερό ανέβηκε δώδεκα εκατοστά μέσα σε τριάντα χρόνια.",
    ),
    "港日報": (
        "市は来年度から夜間の便を増やし、料金を据え置く方針を明らかにした。",
        "観測所によると、今年の海水温は平年より二度高かった。",
    ),
}

_EXCERPT = (160, 340)  # characters
_WIDE_EXCERPT = (70, 130)  # of languages whose letters take two or three octets


@dataclass(frozen=True, slots=True)
class Text:
    """One story as a feed gives it."""

    title: str
    excerpt: str
    source: str
    author: str
    url: str
    image_url: str


def topic_names(count: int) -> list[str]:
    """So many names; the first twenty are words."""
    return [*_TOPICS[:count], *(f"Topic {number}" for number in range(len(_TOPICS) + 1, count + 1))]


def texts(chance: random.Random, count: int) -> Iterator[Text]:
    """So many stories; six in ten are in English, one in two has a picture."""
    names = list(_NEWSROOMS)
    weights = [share for share, _ in _NEWSROOMS.values()]
    for number in range(count):
        [source] = chance.choices(names, weights)
        headline = chance.choice(_HEADLINES[source])
        wide = headline[0] > "\u036f"
        excerpt = _excerpt(chance, _SENTENCES[source], chance.randint(*(_WIDE_EXCERPT if wide else _EXCERPT)))
        yield Text(
            title=f"{headline} ({number + 1})",
            excerpt=excerpt,
            source=source,
            author=chance.choice(_NEWSROOMS[source][1]),
            url=f"https://news{names.index(source)}.example/2026/11/{chance.randrange(10**9)}?ref=feed&n={number}",
            image_url=f"https://pictures.example/{chance.randrange(16**8):08x}.jpg" if chance.random() < 0.5 else "",
        )


def _excerpt(chance: random.Random, sentences: tuple[str, ...], length: int) -> str:
    text = ""
    while len(text) < length:
        text = f"{text} {chance.choice(sentences)}".strip()
    return text[:length].rpartition(" ")[0] + " …" if " " in text[:length] else text[:length]
