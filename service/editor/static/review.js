// The queue: articles that are worth a look, each with the reason why it is there.

import { call } from "/page/api.js";
import { audit } from "/page/audit.js";
import { byId, complain, element, number, percent, step, time } from "/page/dom.js";

const NO_TEXTS = "Тексты сервис не хранит: откройте статью в CMS по её номеру.";
const ABOUT = {
  margin: `Последние ответы на статьи, о которых ещё никто ничего не решил. ${NO_TEXTS}`,
  rare: `Последние ответы на статьи, о которых ещё никто ничего не решил. ${NO_TEXTS}`,
  disagreement: `Две версии модели или два редактора дали статье разные рубрики: кто-то из них ошибся. ${NO_TEXTS}`,
  label_error: `Правки, в которых модель уверена в обратном. Ошибается здесь чаще модель, но иногда – рука. Вторая такая же правка убирает статью отсюда. ${NO_TEXTS}`,
  audit: "Случайные статьи, метки которых опубликованы без просмотра. Только по ним считается точность: в обычных правках ошибок больше, чем на самом деле.",
};
const EMPTY = {
  disagreement: "Очередь пуста: никто никому не противоречит.",
  label_error: "Очередь пуста: правок, похожих на ошибку, нет.",
  audit: "Очередь пуста: без просмотра ничего не публиковалось, или всё выбранное проверено.",
};

const who = (by) => (by === "editor" ? "редактор" : by);

const WHY = {
  margin: (one) => `разрыв ${percent(one.margin)}`,
  rare: (one) => `таких ${number(one.like_it)} из ${number(one.of)}`,
  disagreement: (one) => {
    const voices = one.voices.map((voice) => `${who(voice.by)} – «${voice.label}»`).join(", ");
    return `${one.between === "editors" ? "Редакторы выбрали разное" : "Версии модели ответили по-разному"}: ${voices}.`;
  },
  label_error: (one) => {
    const [rubric] = one.rubrics ?? [];
    const [tag] = one.tags ?? [];
    const [{ by, label }] = one.voices;
    const usual = `обычно на статьях с такой меткой она уверена на ${percent(one.usual)}`;
    if (rubric) return `Выбрано: «${label}» (${who(by)}). Модель была за «${rubric.label}» на ${percent(rubric.score)}; ${usual}.`;
    return `Отклонён тег «${tag.label}» (${who(by)}). Модель была за него на ${percent(tag.score)}; ${usual}.`;
  },
};

const chosen = () => document.querySelector("#strategy input:checked").value;

export function initReview() {
  byId("strategy").addEventListener("change", () => showReview().catch((problem) => complain(problem.message)));
  return { key: (code) => (code === "KeyJ" || code === "KeyK") && step([...byId("queue").querySelectorAll("a")], code === "KeyJ" ? 1 : -1) };
}

export async function showReview(focus = false) {
  const strategy = chosen();
  const queue = byId("queue");
  byId("queue-about").textContent = ABOUT[strategy];
  queue.replaceChildren(element("p", { class: "hint" }, "Загружаю…"));
  let found;
  try {
    found = await call("GET", `/review?strategy=${strategy}`);
  } catch (problem) {
    queue.replaceChildren();
    throw problem;
  }
  if (strategy !== chosen()) return; // another was chosen meanwhile
  if (!found.length) queue.replaceChildren(element("p", { class: "note" }, EMPTY[strategy] ?? "Очередь пуста: новых ответов нет, или все они просмотрены."));
  else if (strategy === "audit") audit(queue, found, () => showReview(true).catch((problem) => complain(problem.message)));
  else queue.replaceChildren(element("ol", { class: "queue" }, found.map((one) => item(one, strategy))));
  if (focus) (byId("heading-audit") ?? byId("heading-review")).focus();
}

function item(one, strategy) {
  const { rubrics = [], tags = [] } = one;
  const sentence = strategy === "disagreement" || strategy === "label_error";
  const name = one.article_id ? `Статья ${one.article_id}` : `Без номера, ответ ${one.prediction_id ?? "–"}`;
  const facts = sentence ? [time(one.at)] : [WHY[strategy](one), tags.length && `теги: ${tags.map((tag) => tag.label).join(", ")}`, time(one.at)];
  return element(
    "li",
    {},
    element(
      "p",
      {},
      one.prediction_id ? element("a", { href: `#prediction=${encodeURIComponent(one.prediction_id)}` }, name) : name,
      one.draft && element("span", { class: "badge" }, "черновик"),
    ),
    element("p", {}, sentence ? WHY[strategy](one) : rubrics.map((rubric) => `${rubric.label} ${percent(rubric.score)}`).join(" или ")),
    element("p", { class: "hint" }, facts.filter(Boolean).join(" · ")),
  );
}
