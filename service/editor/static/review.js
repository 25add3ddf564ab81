// The queue: latest answers that are worth a look.

import { call } from "/page/api.js";
import { byId, complain, element, number, percent, table, time } from "/page/dom.js";

const chosen = () => document.querySelector("#strategy input:checked").value;

export function initReview() {
  byId("strategy").addEventListener("change", () => showReview().catch((problem) => complain(problem.message)));
}

export async function showReview() {
  const strategy = chosen();
  byId("queue").replaceChildren(element("p", { class: "hint" }, "Загружаю…"));
  try {
    const found = await call("GET", `/review?strategy=${strategy}`);
    byId("queue").replaceChildren(found.length ? drawn(found, strategy) : element("p", { class: "note" }, "Очередь пуста: новых ответов нет, или все они просмотрены."));
  } catch (problem) {
    byId("queue").replaceChildren();
    throw problem;
  }
}

function drawn(found, strategy) {
  const why = (one) =>
    strategy === "margin" ? `разрыв ${percent(one.margin)}` : `таких ${number(one.like_it)} из ${number(one.of)}`;
  return table(
    `Статей: ${found.length}`,
    ["Статья", "Рубрика", "Почему здесь", "Теги", "Когда"],
    found.map((one) => [
      element(
        "span",
        {},
        element("a", { href: `#prediction=${encodeURIComponent(one.prediction_id)}` }, one.article_id ?? `без номера, ответ ${one.prediction_id}`),
        one.draft && element("span", { class: "badge" }, "черновик"),
      ),
      one.rubrics.map((rubric) => `${rubric.label} ${percent(rubric.score)}`).join(" или "),
      why(one),
      one.tags.map((tag) => tag.label).join(", ") || "–",
      time(one.at),
    ]),
  );
}
