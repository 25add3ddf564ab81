"""Words of names -> their declined forms, by pymorphy3; and how sure a form is to be a place."""

import re
from collections.abc import Iterator

from service.inference.places import ALONE, CLEAR, INSTRUMENTAL, NAMELIKE
from training.morphology import fold, morphology

WORD = re.compile(r"[^\W_]+")
# «Тульской и Тверской областях»: these words of a name may stand in the plural when several are named
HEADS = {"область", "край", "республика", "округ", "народная", "автономный", "автономная"}
SURNAME = re.compile(r"(?:[оеё]в|[иы]н)(?:[ау]|ым)?$")  # «Мантурова», «Кашину»: not every surname is in the dictionary
PARTICLES = {"на", "и", "де", "над", "эль", "эш", "о", "в"}  # stay as they are inside a name


def doubt_of(name: str) -> int:
    """How sure a capitalised name that no data tells of is to be a place: «Кушалино» is, «Роща» is not."""
    words = WORD.findall(name)
    if len(words) > 1:
        return CLEAR
    known = [parse for parse in morphology().parse(words[0].lower()) if parse.is_known and "Geox" not in parse.tag]
    if any(part in parse.tag for parse in known for part in ("Name", "Surn", "ADJF")) or SURNAME.search(fold(name)):
        return NAMELIKE
    return ALONE if known else CLEAR


def by_doubt(forms: frozenset[str], doubt: int, check_people: bool) -> Iterator[tuple[int, frozenset[str]]]:
    """Splits the forms of one word: «Иванова» is also a surname, «чехов» too, «Курском» also of «в Курском районе»."""
    inflects_like_a_surname = check_people and not any(form.endswith("ой") for form in forms)  # Кашин, not Гатчина
    people = frozenset(
        form
        for form in forms
        if check_people and (_is_a_person(form) or (inflects_like_a_surname and SURNAME.search(form)))
    )
    adjectives = frozenset(form for form in forms if re.search(r"[сц]ком$", form))
    for part, level in ((people, NAMELIKE), (adjectives, INSTRUMENTAL), (forms - people - adjectives, doubt)):
        if part:
            yield level, part


def _is_a_person(form: str) -> bool:
    return any(parse.is_known and ("Surn" in parse.tag or "Name" in parse.tag) for parse in morphology().parse(form))


def adjective_forms(word: str) -> frozenset[str]:
    """All full forms of «российский», and «российско» of «российско-китайский»."""
    forms = {word, re.sub(r"(ий|ый|ой)$", "о", word)}
    for parse in morphology().parse(word):
        if "ADJF" in parse.tag and parse.normal_form == word:
            forms.update(form.word for form in parse.lexeme if "ADJF" in form.tag and "Supr" not in form.tag)
            break
    return frozenset(fold(form) for form in forms)


def event_forms(word: str) -> frozenset[str]:
    """Of a noun all forms; of a verb what tells of past or present: «погиб», «горит», «сгоревшего», not «сгорит»."""
    forms = {word} if "INFN" not in morphology().parse(word)[0].tag else set()
    for parse in morphology().parse(word):
        if parse.normal_form != word:
            continue
        for form in parse.lexeme:
            told = form.tag.POS in ("NOUN", "ADJF", "PRTF", "PRTS", "GRND") or form.tag.tense == "past"
            if told or (form.tag.POS == "VERB" and form.tag.tense == "pres"):
                forms.add(form.word)
    return frozenset(fold(form) for form in forms)


def noun_forms(word: str) -> frozenset[str]:
    """Singular and plural forms of a demonym."""
    forms = {word}
    for parse in morphology().parse(word):
        if "NOUN" in parse.tag and parse.normal_form == word:
            forms.update(form.word for form in parse.lexeme)
            break
    return frozenset(fold(form) for form in forms)


def name_forms(word: str, alone: bool) -> frozenset[str]:
    """The forms of one word of a name in the number it is named in; what can't be a nominative stays as it is."""
    folded = fold(word)
    if word in PARTICLES:
        return frozenset({folded})
    forms = {folded}
    parses = [
        parse
        for parse in morphology().parse(word.lower())
        if "nomn" in parse.tag and ("NOUN" in parse.tag or "ADJF" in parse.tag)
    ]
    known = [parse for parse in parses if parse.is_known]
    places = [parse for parse in known if "Geox" in parse.tag]
    people = [parse for parse in known if "Surn" in parse.tag]
    if alone and not places and (people or not known):
        forms.update(_declined_by_ending(folded))
        parses = [parse for parse in parses if "Surn" not in parse.tag and "Patr" not in parse.tag][:1]
    if not parses and not alone:
        forms.update(_declined_by_ending(folded))  # «Оле» of Йошкар-Ола
    for parse in (places or known or parses)[:2]:
        lexeme = [form for form in parse.lexeme if form.tag.POS == parse.tag.POS and "Supr" not in form.tag]
        forms.update(
            form.word
            for form in lexeme
            if folded in HEADS or (form.tag.number == parse.tag.number and form.tag.gender == parse.tag.gender)
        )
    return frozenset(fold(form) for form in forms)


def _declined_by_ending(word: str) -> list[str]:
    """City names in -ов, -ин, -ск, -ово that the dictionary has as surnames or not at all."""
    if re.search(r"[оеи]в[оа]$|[иы]н[оа]$", word) and word.endswith("о"):
        return [word[:-1] + ending for ending in ("а", "у", "ом", "е")]
    if re.search(r"[бвгджзклмнпрстфхцчшщ]$", word):
        return [word + ending for ending in ("а", "у", "ом", "е")]
    if word.endswith("а"):
        return [word[:-1] + ending for ending in ("ы", "и", "е", "у", "ой")]
    return []
