// One version of the model: facts, what it learnt from, how it compared, and a way to let it answer.

import { change } from "/page/change.js";
import { call } from "/page/api.js";
import { day, element, number, percent, table, time, unfolds } from "/page/dom.js";
import { gateDetails, VERDICTS } from "/page/gate.js";
import { markdown } from "/page/markdown.js";

/** `versions` are all that there are; `again()` draws them anew. */
export function versionCard(one, versions, mayChange, again) {
  const active = versions.find((each) => each.active);
  const previous = versions.find((each) => each.previous);
  const card = () => call("GET", `/models/${encodeURIComponent(one.version)}`);
  const facts = [
    ["Обучена на статьях", number(one.articles)],
    ["Последняя из них", day(one.newest_row)],
    ["Рубрик", number(one.rubrics)],
    ["Тегов", number(one.tags)],
    ["Верных рубрик в своей проверке", one.accuracy === null ? "–" : `${percent(one.accuracy)} из ${number(one.test_articles)}`],
    ["Добавлена", one.added ? time(one.added) : "вместе с сервисом"],
  ];
  const place = element("div", {});
  const changes = (text, from, to, path) => element("button", { type: "button", onclick: (event) => change({ place, button: event.target, from, to, path, mayChange, again }) }, text);
  return element(
    "section",
    { class: "model", "aria-label": `Версия ${one.version}` },
    element("h2", {}, one.version, one.active && element("span", { class: "badge" }, "отвечает сейчас"), one.gate && element("span", { class: `badge ${one.gate}` }, VERDICTS[one.gate])),
    one.problem && element("p", { class: "note bad" }, `Эту версию нельзя использовать: ${one.problem}`),
    element("dl", { class: "facts-list" }, facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
    one.report && element("p", {}, element("a", { href: `/models/${encodeURIComponent(one.version)}/report`, target: "_blank", rel: "noopener" }, "Отчёт об обучении (в новой вкладке)")),
    one.gate && unfolds("Сравнение с действовавшей моделью", async () => gateDetails((await card()).gate)),
    unfolds("Карточка", async () => about(await card())),
    element(
      "p",
      { class: "actions" },
      active && !one.active && !one.problem && changes(mayChange ? "Сделать активной…" : "Что изменится", active.version, one.version, `/models/${encodeURIComponent(one.version)}/activate`),
      one.active && previous && mayChange && changes("Вернуть прежнюю…", one.version, previous.version, "/models/rollback"),
    ),
    place,
  );
}

/** What its card says, as far as that can be told in Russian; below it, the whole of it as it is. */
function about(card) {
  const { scores = {}, labels = {} } = card;
  const rubrics = Array.isArray(labels.rubrics) ? labels.rubrics : [];
  const outlets = Object.entries(labels.outlets ?? {}).filter(([, count]) => typeof count === "number");
  const careful = labels.policy?.review_only ?? [];
  const measures = [
    ["Верных рубрик", scores.accuracy, percent],
    ["То же, если все рубрики равны (macro-F1)", scores.macro_f1, percent],
    ["Верность тегов (micro-F1)", scores.tags_micro_f1, percent],
    ["Насколько вероятности расходятся с правдой", scores.calibration_error, percent],
  ].filter(([, value]) => typeof value === "number");
  return [
    rubrics.length > 0 && element("p", {}, `Рубрики: ${rubrics.join(", ")}.`),
    element(
      "p",
      {},
      outlets.length
        ? `Без просмотра может публиковать там, где сверена: ${outlets.map(([name, count]) => `${name} (статей: ${number(count)})`).join(", ")}.`
        : "Ни с одним изданием не сверена: без просмотра не публикует ничего.",
    ),
    careful.length > 0 && element("p", {}, `Только после просмотра: ${careful.join(", ")}.`),
    card.data?.length > 0 && table("На чём училась", ["Источник", "Статей"], card.data.map((one) => [one.corpus ?? "–", number(one.articles)])),
    measures.length > 0 && table(`Своя проверка${scores.articles ? `, статей: ${number(scores.articles)}` : ""}`, ["Мера", "Сколько"], measures.map(([name, value, told]) => [name, told(value)])),
    unfolds("Карточка целиком, по-английски", async () => element("div", { class: "card", lang: "en" }, ...markdown(card.card, 2))),
  ].filter(Boolean);
}
