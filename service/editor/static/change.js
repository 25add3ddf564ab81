// Another version is let answer: first what would change, then why, then the change.

import { call, forgetVocabulary } from "/page/api.js";
import { compared } from "/page/difference.js";
import { complain, element, say } from "/page/dom.js";
import { verdict } from "/page/gate.js";

const ACTOR = "rubricator.actor"; // in the browser's memory: who decides here

/** Draws it into `place`; `button` has been pressed for it. `path` makes `to` answer instead of `from`. */
export async function change({ place, button, from, to, path, mayChange, again }) {
  const close = () => {
    place.replaceChildren();
    button.disabled = false;
    button.focus();
  };
  const heading = element("h3", { tabindex: "-1" }, `Что изменится, если вместо ${from} отвечать будет ${to}`);
  const told = element("div", { "aria-live": "polite" }, element("p", { class: "hint" }, "Сравниваю…"));
  const box = element("div", { class: "changing", role: "group", "aria-label": `Что изменится с ${to}`, onkeydown: (event) => event.key === "Escape" && close() }, heading, told);
  place.replaceChildren(box);
  button.disabled = true;
  heading.focus();

  const [card, difference] = await Promise.all([
    call("GET", `/models/${encodeURIComponent(to)}`).catch(() => null),
    call("GET", `/models/${encodeURIComponent(from)}/diff?to=${encodeURIComponent(to)}`).then(compared, (problem) => [element("p", { class: "note bad" }, `Сравнить не удалось. ${problem.message}`)]),
  ]);
  const gate = card?.gate;
  told.replaceChildren(...(gate ? [element("p", { class: gate.verdict === "refused" ? "note bad" : "note" }, verdict(gate))] : []), ...difference);
  if (mayChange) box.append(form());
  else box.append(element("p", { class: "actions" }, element("button", { type: "button", onclick: close }, "Закрыть")));

  function form() {
    const reason = element("input", { id: "reason", maxlength: "1000", required: true, autocomplete: "off" });
    let busy = false;
    async function send(event) {
      event.preventDefault();
      if (busy) return;
      if (!reason.value.trim()) {
        complain("Напишите, почему меняете модель: это останется в журнале.");
        reason.focus();
        return;
      }
      busy = true;
      say("Проверяю и включаю…");
      try {
        const done = await call("POST", path, { reason: reason.value.trim(), actor: localStorage.getItem(ACTOR) ?? "" });
        forgetVocabulary();
        await again();
        say(`Сделано: теперь отвечает ${done.version}.`);
      } catch (problem) {
        complain(problem.message);
      } finally {
        busy = false;
      }
    }
    const yes = path.endsWith("/rollback") ? `Вернуть ${to}` : gate?.verdict === "refused" ? "Всё равно сделать активной" : "Сделать активной";
    return element(
      "form",
      { id: "change", onsubmit: send, novalidate: true },
      element("div", { class: "field" }, element("label", { for: "reason" }, "Почему"), reason),
      element("p", { class: "actions" }, element("button", { type: "submit", class: "main" }, yes), element("button", { type: "button", onclick: close }, "Не менять ", element("kbd", {}, "Esc"))),
    );
  }
}
