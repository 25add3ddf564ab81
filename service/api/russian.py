"""What the service says about a bad request, in Russian.

The code speaks English; this table translates. `{}` stands for anything; what it stood for is translated in turn, so
that a sentence inside a sentence comes out right. What is not in the table stays English.
"""

import re
from functools import cache

SENTENCES = {
    # records
    "title, text or body_html has to be there as a string (probably {})": (
        "нужна хотя бы одна строка: title, text или body_html (вероятно, {})"
    ),
    "title, text or body_html has to be there as a string": "нужна хотя бы одна строка: title, text или body_html",
    "the body is empty: send an article as a JSON object": "тело запроса пусто: пошлите статью как объект JSON",
    "the body is empty: send {}": "тело запроса пусто: пошлите {}",
    "this field is not read, did you mean {}?": "это поле не читается; возможно, имелось в виду {}",
    "this field is not read": "это поле не читается",
    "nested too deeply": "слишком глубокая вложенность",
    "not UTF-8: {} at byte {}": "это не UTF-8: {}, байт {}",
    "not JSON, or an escape {} to {} without its other half: {}": "не JSON, или от пары {}–{} есть только половина: {}",
    "not JSON: {}": "это не JSON: {}",
    "JSON is malformed: {} (byte {})": "{} (байт {})",
    "Input data was truncated": "данные обрываются",
    "invalid start byte": "неверный первый байт символа",
    "invalid continuation byte": "неверный продолжающий байт символа",
    "unexpected end of data": "данные обрываются",
    "invalid character": "недопустимый символ",
    "expected {}": "ожидалось: {}",
    "trailing characters": "лишнее после конца",
    "trailing comma in array": "лишняя запятая в массиве",
    "trailing comma in object": "лишняя запятая в объекте",
    "object keys must be strings": "ключи объекта должны быть строками",
    "invalid escape character in string": "недопустимый знак после обратной черты в строке",
    "invalid number": "неверное число",
    "too much is waiting: try again in a second": "слишком много ожидает ответа: повторите через секунду",
    # shapes
    "id must be a string: send {}": "id должен быть строкой: пошлите {}",
    "{} must have at most {} characters": "{}: не больше {} знаков",
    "{} has no field {}": "{}: поля {} нет",
    "{} must be {}, not {}: send {}": "{}: ожидается {}, получено {}; пошлите {}",
    "{} must be {}, not {}": "{}: ожидается {}, получено {}",
    "{} must be {}": "{}: ожидается {}",
    "an item of {}": "элемент {}",
    "an article": "статья",
    "a batch": "пакет статей",
    "a reason": "причина",
    "a whole number from {} to {}": "целое число от {} до {}",
    "a number from {} to {}": "число от {} до {}",
    "a string": "строка",
    "a number": "число",
    "true or false": "true или false",
    "an object": "объект",
    "an array": "массив",
    "null": "null",
    "Number out of range": "слишком большое число",
    "{} needs the field {}": "{}: нужно поле {}",
    "a correction": "правка",
    "a tag": "тег",
    "a change": "изменение",
    "a merge": "слияние",
    # vocabulary
    "there are {} changed tags: retrain with them first": "изменённых тегов уже {}: сначала переобучите модель",
    "{} leads to {} already: a tag can't be merged into itself": "{} уже ведёт к {}: тег нельзя слить с самим собой",
    "the tag {} is retired: bring it back first": "тег {} снят: сначала верните его",
    "a tag has at most {} synonyms": "у тега не больше {} синонимов",
    "a label must not hold control characters or invisible ones": (
        "в метке не должно быть управляющих и невидимых символов"
    ),
    "«{}» stands in most articles: give it a fuller name": "«{}» стоит в большинстве статей: дайте имя полнее",
    "the tag {} is «{}», not «{}»: send one of the two": "тег {} – это «{}», а не «{}»: пошлите что-то одно",
    "the rubric {} is «{}», not «{}»: send one of the two": "рубрика {} – это «{}», а не «{}»: пошлите что-то одно",
    "the region {} is «{}», not «{}»: send one of the two": "регион {} – это «{}», а не «{}»: пошлите что-то одно",
    "the job has ended already": "задание уже закончено",
    "the job is {}: there is nothing to resume": "задание в состоянии {}: продолжать нечего",
    "there is no job {}": "задания {} нет",
    "the job is not kept any more": "задание больше не хранится",
    "the results are there when the job is done": "результат появится, когда задание будет готово",
    "a dry run writes no results: its report says what would change": (
        "проба ничего не записывает: что изменилось бы, сказано в отчёте"
    ),
    "the report is there when the job has ended": "отчёт появится, когда задание закончится",
    "more than {} of the articles would change: look at the report, then send max_change": (
        "изменилось бы больше {} статей: посмотрите отчёт, затем пошлите max_change"
    ),
    "jobs may take {} bytes, of which {} are left: see to `rubricator prune`": (
        "задания могут занимать {} байт, из них осталось {}: поможет `rubricator prune`"
    ),
    "the results are at {}": "результат здесь: {}",
    "{} jobs are waiting: send it again when one has ended": "ждёт заданий: {}; пошлите снова, когда одно закончится",
    "the body is empty: send articles, a line each": "тело запроса пусто: пошлите статьи, по одной в строке",
    "the article's id in the address is not UTF-8": "id статьи в адресе не в UTF-8",
    "editors' pages are not known to be served as {}: name it in RUBRICATOR_HOSTS": (
        "страница редакторов под именем {} не известна: назовите его в RUBRICATOR_HOSTS"
    ),
    "a label needs a letter or a digit": "в метке нужна буква или цифра",
    "a label has at most {} characters": "в метке не больше {} знаков",
    "a label needs words in Cyrillic or Latin letters, or digits": (
        "в метке нужны слова из букв кириллицы или латиницы либо цифры"
    ),
    "{} is a region, and a place is never a tag": "{} – регион, а место не бывает тегом",
    "{} is already a name of the tag {}, {}": "{} уже называет тег {}, {}",
    "the vocabulary has changed since: read it again": "словарь с тех пор изменился: прочитайте его снова",
    "send If-Match with the ETag of GET /vocabulary, or with *": "пошлите If-Match с ETag из GET /vocabulary или с *",
    "many corrections": "пакет правок",
    # editors' decisions
    "one of article_id, prediction_id and article has to be there": (
        "нужно хотя бы одно из полей: article_id, prediction_id, article"
    ),
    "final needs one of rubric, regions and tags: what the editor has looked at": (
        "в final нужно хотя бы одно из rubric, regions и tags: то, что редактор просмотрел"
    ),
    "id must not be empty or hold the character U+0000": "id не должен быть пустым или содержать знак U+0000",
    "{} must not hold the character U+0000": "{}: знака U+0000 быть не должно",
    "article_id is not the id of the article, {}": "article_id не совпадает с id статьи, {}",
    "this prediction is not kept here: name the article too, with article_id or article": (
        "такое предсказание здесь не хранится: назовите и статью, полем article_id или article"
    ),
    "an article has one rubric": "у статьи одна рубрика",
    "a label needs an id or a label": "метке нужен id или label",
    "there is no rubric with the id {}": "рубрики с id {} нет",
    "there is no region with the id {}": "региона с id {} нет",
    "there is no tag with the id {}": "тега с id {} нет",
    "there is no correction {}": "правки {} нет",
    "{} is an undo itself: send the correction again instead": "{} — сама отмена: пошлите правку ещё раз",
    "the article of correction {} was erased": "статья правки {} удалена",
    "this article was erased on {}": "эта статья удалена {}",
    "there is no such prediction here": "такого предсказания здесь нет",
    "this prediction was kept and is not any more": "это предсказание больше не хранится",
    "this Idempotency-Key came with another body before: choose a new key": (
        "этот Idempotency-Key уже приходил с другим телом: возьмите новый"
    ),
    "a call with this Idempotency-Key is being answered: try again later": (
        "на вызов с этим Idempotency-Key как раз отвечают: повторите позже"
    ),
    "Idempotency-Key must have from 1 to {} printable characters": ("Idempotency-Key: от 1 до {} печатных знаков"),
    "more than {} corrections at once: send fewer": "больше {} правок сразу: пошлите меньше",
    "what editors decide can't be kept now: send it again later": (
        "решения редакторов сейчас не сохранить: пошлите ещё раз позже"
    ),
    "send this from the newsroom's own server, not from a page of another site": (
        "это посылают с сервера редакции, а не со страницы чужого сайта"
    ),
    "since must be a date or a time as in ISO 8601, {}": "since: дата или время по ISO 8601, {}",
    # parameters
    "why must be the head and the label: {}": "why: голова и метка: {}",
    "there is no parameter {}, did you mean {}?": "параметра {} нет; возможно, имелось в виду {}",
    "there is no parameter {}, known are {}": "параметра {} нет; есть {}",
    "there is no parameter {}, this address takes none": "параметра {} нет; этот адрес параметров не принимает",
    "the parameter {} comes twice": "параметр {} указан дважды",
    "the query is not UTF-8": "параметры запроса не в UTF-8",
    "the query has more than {} parameters": "в запросе больше {} параметров",
    # bodies
    "{} has more than {} bytes: send less, or raise RUBRICATOR_MAX_BODY": (
        "{} больше {} байт: пошлите меньше или увеличьте RUBRICATOR_MAX_BODY"
    ),
    "the body": "тело запроса",
    "the line": "строка",
    "more than {} articles at once: send fewer, or as application/x-ndjson": (
        "больше {} статей сразу: пошлите меньше или как application/x-ndjson"
    ),
    "{} is not read here: send {}": "{} здесь не читается: пошлите {}",
    "the encoding {} is not read: send UTF-8": "кодировка {} не читается: пошлите UTF-8",
    "the content encoding {} is not read: send it as it is": "сжатие {} не читается: пошлите без него",
    # addresses, models
    "there is nothing at {}: /docs lists what there is": "по адресу {} ничего нет; что есть, перечислено на /docs",
    "there is nothing at {}": "по адресу {} ничего нет",
    "{} takes {}": "{} принимает {}",
    "{} alone took {} of {} articles out of «{}»": "{} в одиночку убрал {} из {} статей рубрики «{}»",
    "somebody without a name": "кто-то без имени",
    "only {} articles to learn from, the model in use had {}: is a file missing?": (
        "учиться можно лишь на {} статьях, у действующей модели было {}: не пропал ли файл?"
    ),
    "the model in use may have learnt from the articles that would judge it: the next retraining will compare; {}": (
        "действующая модель могла учиться на тех же статьях, которыми её проверяли бы: сравнит следующее переобучение"
    ),
    "there is no version {} here: see `rubricator models list`": "версии {} здесь нет: см. `rubricator models list`",
    "the version {} has no report": "у версии {} нет отчёта",
    "models are changed from this machine alone, under a loopback address": (
        "модель меняют только с этой же машины, по адресу обратной петли"
    ),
    "the log says why": "причина — в журнале",
    # last: whatever has one of the sentences above around it
    "{} or {}": "{} или {}",
}


def in_russian(sentence: str) -> str:
    for pattern, russian in _patterns():
        if match := pattern.fullmatch(sentence):
            return russian.format(*map(in_russian, match.groups()))
    return sentence


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Compiled when the first Russian problem is told: a start need not wait for it."""
    return [
        (re.compile(re.escape(english).replace(r"\{\}", "(.*)"), re.DOTALL), russian)
        for english, russian in SENTENCES.items()
    ]
