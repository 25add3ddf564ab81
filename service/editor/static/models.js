// Versions of the model: cards, reports, which one answers. They are changed from the service's own machine.

import { call, forgetVocabulary } from "/page/api.js";
import { byId, complain, element, number, percent, say, table, time } from "/page/dom.js";
import { markdown } from "/page/markdown.js";

const HERE = ["localhost", "127.0.0.1", "[::1]"];

const mayChange = () => HERE.includes(location.hostname);

export async function showModels() {
  const [versions, history] = await Promise.all([call("GET", "/models"), call("GET", "/activations")]);
  byId("versions").replaceChildren(
    mayChange() ? form(versions, history.length > 0) : element("p", { class: "note" }, "Менять модель можно только с машины самого сервиса."),
    ...versions.map((one) => card(one, versions.find((each) => each.active))),
    element("h2", {}, "Когда какая отвечала"),
    history.length
      ? table("Смены модели", ["Когда", "Версия", "Почему", "Кто"], [...history].reverse().map((one) => [time(one.at), one.version, one.reason || "–", one.actor || "–"]))
      : element("p", { class: "note" }, "Модель ещё не меняли: отвечает та, что пришла с сервисом."),
  );
}

function card(one, active) {
  const facts = [
    ["Обучена на статьях", number(one.articles)],
    ["Последняя из них", one.newest_row ?? "–"],
    ["Рубрик", number(one.rubrics)],
    ["Тегов", number(one.tags)],
    ["Верных рубрик в своей проверке", one.accuracy === null ? "–" : `${percent(one.accuracy)} из ${number(one.test_articles)}`],
    ["Добавлена", one.added ? time(one.added) : "вместе с сервисом"],
  ];
  const about = element("div", { class: "card", lang: "en" });
  const more = element("details", {}, element("summary", {}, "Карточка"), about);
  more.addEventListener("toggle", async () => {
    if (!more.open || about.hasChildNodes()) return;
    try {
      const { card: text } = await call("GET", `/models/${encodeURIComponent(one.version)}`);
      about.replaceChildren(...markdown(text, 2));
    } catch (problem) {
      complain(problem.message);
    }
  });
  return element(
    "section",
    { class: "model", "aria-label": `Версия ${one.version}` },
    element("h2", {}, one.version, one.active && element("span", { class: "badge" }, "отвечает сейчас")),
    one.problem && element("p", { class: "note bad" }, `Эту версию нельзя использовать: ${one.problem}`),
    element("dl", { class: "facts-list" }, facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
    one.report && element("p", {}, element("a", { href: `/models/${encodeURIComponent(one.version)}/report`, target: "_blank", rel: "noopener" }, "Отчёт об обучении (в новой вкладке)")),
    more,
    active && !one.active && !one.problem && differences(active.version, one.version),
  );
}

/** What would be answered otherwise if the other version did: on the articles of both self-tests. */
function differences(before, after) {
  const told = element("div", {});
  const more = element("details", {}, element("summary", {}, "Что изменится, если её включить"), told);
  more.addEventListener("toggle", async () => {
    if (!more.open || told.hasChildNodes()) return;
    told.replaceChildren(element("p", { class: "hint" }, "Сравниваю…"));
    try {
      const found = await call("GET", `/models/${encodeURIComponent(before)}/diff?to=${encodeURIComponent(after)}`);
      told.replaceChildren(...compared(found));
    } catch (problem) {
      told.replaceChildren();
      complain(problem.message);
    }
  });
  return more;
}

function compared(found) {
  const gone = [["Новые рубрики", found.rubrics_added], ["Рубрик больше не будет", found.rubrics_removed], ["Новые теги", found.tags_added], ["Тегов больше не будет", found.tags_removed]];
  const names = ({ count, names }) => `${number(count)}: ${names.join(", ")}${count > names.length ? " …" : ""}`;
  const lists = gone.filter(([, labels]) => labels.count).map(([what, labels]) => element("li", {}, `${what}, ${names(labels)}`));
  const tags = (one) => [...one.tags_added.map((tag) => `+ ${tag}`), ...one.tags_removed.map((tag) => `− ${tag}`)].join(", ") || "–";
  const rubric = ([was, is]) => (was === is ? (was ?? "–") : `${was ?? "–"} → ${is ?? "–"}`);
  return [
    element("p", {}, `Из ${number(found.articles)} проверочных статей изменится ответ на ${number(found.changed)}.`),
    lists.length ? element("ul", {}, lists) : "",
    found.examples.length ? table("Статьи, на которые она ответит иначе", ["Статья", "Рубрика", "Теги"], found.examples.map((one) => [one.title || one.id || "–", rubric(one.rubric), tags(one)])) : "",
  ];
}

function form(versions, before) {
  const field = (id, label, input) => element("div", { class: "field" }, element("label", { for: id }, label), input);
  const reason = element("input", { id: "reason", maxlength: "1000", required: true });
  const select = element("select", { id: "version" }, versions.map((one) => element("option", { value: one.version, disabled: Boolean(one.problem) || one.active }, `${one.version}${one.active ? " – отвечает сейчас" : ""}`)));
  const other = versions.find((one) => !one.active && !one.problem);
  if (other) select.value = other.version;

  async function change(path, what) {
    if (!reason.value.trim()) {
      complain("Напишите, почему меняете модель: это останется в журнале.");
      reason.focus();
      return;
    }
    say("Проверяю и включаю…");
    try {
      const event = await call("POST", path, { reason: reason.value.trim(), actor: localStorage.getItem("rubricator.actor") ?? "" });
      forgetVocabulary();
      await showModels();
      say(`${what}: теперь отвечает ${event.version}.`);
    } catch (problem) {
      complain(problem.message);
    }
  }

  if (!other && !before) return element("p", { class: "note" }, "Других версий здесь нет: обучите модель на своём архиве, и её можно будет включить отсюда.");
  const submit = (event) => {
    event.preventDefault();
    change(`/models/${encodeURIComponent(select.value)}/activate`, "Включено");
  };
  return element(
    "form",
    { id: "change", onsubmit: submit, novalidate: true },
    element("h2", {}, "Сменить модель"),
    element("div", { class: "row" }, other && field("version", "Версия", select), field("reason", "Почему", reason)),
    element(
      "p",
      { class: "actions" },
      other && element("button", { type: "submit", class: "main" }, "Включить"),
      before && element("button", { type: "button", onclick: () => change("/models/rollback", "Возвращено") }, "Вернуть прежнюю"),
    ),
  );
}
