"""The chief editor's page, in Russian: may this model be trusted, with what, and what in the archive to mend."""

import datetime

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.figures import count, percent, plural
from service.inference.decisions import ENOUGH_OF_A_SOURCE
from training import charts
from training.findings import REFUTED, SENSITIVE, UNTESTED, Findings, RubricTrust
from training.report import TEMPLATES

SUSPECTS, CONTRADICTIONS, MEMBERS = 40, 15, 4  # listed on the page; the table beside it has them all
MONTHS = "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split()  # noqa: SIM905
KINDS = {
    "no label to learn from": "без рубрики и тегов",
    "no text": "без текста",
    "the same text with the same labels was sent before": "повторы",
    "id sent before": "повторы номера",
    "title, text or body_html has to be there": "без текста",
    "published_at is no ISO 8601 date": "с непонятной датой",
    "no article but a attachment": "вложения",
    "no article but a page": "страницы сайта",
    "not published but draft": "черновики",
    "not published but private": "закрытые",
    "not published but pending": "ждут проверки",
    "not published but future": "отложенные",
    "not published but trash": "из корзины",
}


def render(found: Findings, *, version: str, listed: str, activated: bool) -> str:
    """`listed` is the name of the table with all doubtful labels, beside the page."""
    allowed = [one for one in found.by_rubric if one.allowed]
    return _environment().get_template("adopt.html.j2").render(
        found=found,
        version=version,
        listed=listed,
        activated=activated,
        allowed=allowed,
        enough=ENOUGH_OF_A_SOURCE,
        of_hundred=round(100 * found.unseen.n / found.all_answers.n) if found.all_answers.n else 0,
        suspects=found.suspects[:SUSPECTS],
        contradictions=found.contradictions.of_two_minds[:CONTRADICTIONS],
        members=MEMBERS,
        rejected=[(KINDS.get(kind, kind), count) for kind, count in found.rejected.most_common()],
        curve_chart=charts.learning_curve(found.curve) if found.curve else "",
        why=_why,
    )  # fmt: skip


def _why(one: RubricTrust, found: Findings) -> str:
    """Why a rubric stays with the editor."""
    if one.allowed:
        return ""
    if one.taken_back == SENSITIVE:
        return "деликатная тема: решает редактор"
    if not found.may_publish:
        return "мало статей для калибровки"
    if one.taken_back == REFUTED:
        return "проверка не подтвердила точность"
    if one.taken_back == UNTESTED:
        return "проверить почти не на чем"
    if not one.answered.n:
        return "модель её не называет"
    if one.answered.n < 1 / (1 - found.precision) * 3:
        return "слишком мало статей"
    return "слишком часто ошибается"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent, "count": count, "plural": plural, "day": day, "points": points, "number": number,
    }  # fmt: skip
    return environment


def number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".replace(".", ",")


def points(gain: float) -> str:
    """A difference of shares, in articles of a hundred."""
    return f"{100 * gain:.1f}".replace(".", ",") if gain >= 0.001 else "меньше 0,1"


def day(date: datetime.date) -> str:
    return f"{date.day}\u00a0{MONTHS[date.month - 1]}\u00a0{date.year}"
