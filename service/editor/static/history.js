// What was decided on an article before, each with a button that takes it back.

import { call } from "/page/api.js";
import { complain, element, time } from "/page/dom.js";
import { HEADS } from "/page/words.js";

const SHOWN = 1000; // as many as one page of the journal has

/** A closed list that is read when it is opened; `undo(number)` takes one back. */
export function history(articleId, undo) {
  const told = element("div", {});
  const more = element("details", { class: "history" }, element("summary", {}, "Прежние правки этой статьи"), told);
  more.addEventListener("toggle", async () => {
    if (!more.open || told.hasChildNodes()) return;
    try {
      const { corrections } = await call("GET", `/corrections?limit=${SHOWN}&article_id=${encodeURIComponent(articleId)}`);
      const made = corrections.filter((one) => one.undoes === null && !one.erased).reverse();
      told.replaceChildren(
        made.length ? element("ol", { class: "queue" }, made.map((one) => line(one, undo))) : element("p", { class: "hint" }, "Их ещё не было."),
      );
    } catch (problem) {
      complain(problem.message);
    }
  });
  return more;
}

function line(one, undo) {
  const who = [`№ ${one.id}`, time(one.received_at), one.actor, one.draft && "черновик", one.note && `«${one.note}»`];
  const back = element("button", { type: "button", "aria-label": `Отменить правку № ${one.id}`, onclick: () => undo(one.id) }, "Отменить");
  return element(
    "li",
    {},
    element("p", {}, who.filter(Boolean).join(" · ")),
    element("p", { class: "hint" }, changes(one).join("; ") || "всё принято без изменений"),
    one.undone_by === null ? back : element("p", { class: "hint" }, "отменена"),
  );
}

function changes(one) {
  const told = (what, labels) =>
    Object.entries(labels)
      .filter(([, some]) => some.length)
      .map(([head, some]) => `${what}: ${HEADS[head].one.toLowerCase()} ${some.map((label) => `«${label.label}»`).join(", ")}`);
  return [...told("добавлено", one.added), ...told("снято", one.rejected)];
}
