// The queue: latest answers that are worth a look.

import { call } from "/page/api.js";
import { byId, complain, element, number, percent, time } from "/page/dom.js";

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
  return element(
    "ol",
    { class: "queue" },
    found.map((one) =>
      element(
        "li",
        {},
        element(
          "p",
          {},
          element("a", { href: `#prediction=${encodeURIComponent(one.prediction_id)}` }, one.article_id ? `Статья ${one.article_id}` : `Без номера, ответ ${one.prediction_id}`),
          one.draft && element("span", { class: "badge" }, "черновик"),
        ),
        element("p", {}, one.rubrics.map((rubric) => `${rubric.label} ${percent(rubric.score)}`).join(" или ")),
        element("p", { class: "hint" }, [why(one), one.tags.length && `теги: ${one.tags.map((tag) => tag.label).join(", ")}`, time(one.at)].filter(Boolean).join(" · ")),
      ),
    ),
  );
}
