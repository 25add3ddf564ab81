"""Datelines: «МОСКВА, 13 мар — РИА Новости.» says where the correspondent sat, not where it happened; some have no
agency: «ЯРОСЛАВЛЬ, 14 января.»"""

import re

from service.inference.passage import Span

# Possessive (`*+`) wherever what follows can't be white space, so that a page blanked into long runs of spaces fails at
# once instead of trying every way to share them out.
_COMMA = r"\s*+(?:[.,]\s*+)?"
_CITY = r"[А-ЯЁ][А-ЯЁа-яё.]+(?:[ -][А-ЯЁа-яё]{1,20}){0,3}(?:\s*+\([^()\n]{2,40}\))?"
_MONTH = r"(?:янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек)[а-я]{0,6}\.?"
_DAY = rf"\d{{1,2}}\s++{_MONTH}(?:\s++\d{{4}}(?:\s*+г(?:ода|\.)?)?)?"
_AGENCY = (
    r"(?:РИА\s+[А-ЯЁ][\w.-]+(?:\s+Крым)?|Р-Спорт|РАПСИ|(?:ИА\s+)?ПРАЙМ|Прайм|(?:ИТАР-)?ТАСС(?:-ДОСЬЕ)?|(?:ИА\s+)?REGNUM"
    r"|И(?:нтерфакс|НТЕРФАКС)[\w.-]*|I(?:nterfax|NTERFAX)[\w.-]*|FINMARKET\.RU|Sputnik(?:\s[А-ЯЁ]\w+)?|Спутник|БЕЛТА|БелТА"
    r"|АиФ[\w.-]*|РБК|Росбалт|RT|НСН|ФАН|ФедералПресс|Агентство\s+[«\"][^»\"\n]{2,40}[»\"]|URA\.RU|Reuters|Рейтер|АГН\s[«\"]?Москва[»\"]?"
    r"|КАЗИНФОРМ|Kazinform|УНИАН|РосБизнесКонсалтинг|Синьхуа|Xinhua|DW|EADaily|ИА\s+[«\"]?[А-ЯЁ][\w .-]{2,30}?[»\"]?)"
)
_AUTHOR = r"[А-ЯЁ][а-яё]+(?:\s++[А-ЯЁ][а-яё]+(?:-[А-ЯЁа-яё]+)?){1,2}"
_BY = rf"(?:\s*+,\s*+{_AUTHOR}){{0,3}}"
_END = r"\s*+(?:[.:](?=\s|$|[А-ЯЁ«\"])\s*+[–—-]?|[–—-](?=\s))"
# Without an agency only where hardly anything else is meant: capitals throughout, a day without a year, a new sentence
# behind. Of 34,000 texts of outlets without datelines none begins so.
_CAPITALS = r"[А-ЯЁ][А-ЯЁ.]{1,19}(?:[ -][А-ЯЁ]{1,20}){0,3}(?:\s?\([А-ЯЁ]{2,20}\))?"
_NO_AGENCY = rf"\s*+{_CAPITALS}\s?,\s++\d{{1,2}}\s++{_MONTH}(?:\.(?:\s?[–—-])?|\s?[–—]|\s[-])(?=\s++[«\"(]?[А-ЯЁ\d])"
_DATELINE = re.compile(
    rf"\s*+(?:{_CITY}(?:\s*+[/,–-]\s*+{_CITY}){{0,2}}\s*+[,.]\s*+)?{_DAY}{_COMMA}(?:[–—/-]++\s*+)?(?:[Кк]орр\.\s*+)?{_AGENCY}{_BY}"
    rf"\s*+(?:/\s*+)?{_END}"
    rf"|\s*+(?:{_CITY}\s*+[,.]\s*+)?(?:{_DAY}{_COMMA})?/(?:[Кк]орр\.\s*+)?{_AGENCY}(?:[\s,–—-]{{1,3}}{_AUTHOR})?/{_END}"
    rf"|\s*+(?:[А-ЯЁ][А-ЯЁ-]+\s*+[–—,-]\s*+)?{_AGENCY}\s*+,\s*+{_DAY}{_END}"
    rf"|\s*+[А-ЯЁ][А-ЯЁ -]{{1,100}}[,.]?\s{{0,100}}[–—-]\s*+{_AGENCY}{_BY}{_END}"
    rf"|{_NO_AGENCY}"
)
# A capitalised word and four more with but a space between: no city is so long, no agency begins so. 8 of 10 texts do.
_PLAIN = re.compile(r"[А-ЯЁ][а-яё]+(?: [А-ЯЁа-яё]+){4}")


def dateline(text: str) -> Span | None:
    """Where the dateline stands if the text starts with one."""
    found = None if _PLAIN.match(text) else _DATELINE.match(text)
    if not found:
        return None
    said = found.group()
    return len(said) - len(said.lstrip()), len(said.rstrip())
