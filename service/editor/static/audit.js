// An audit: an editor labels an article that was published unseen without being told how, and then learns what it was.

import { call, newKey, vocabulary } from "/page/api.js";
import { combobox } from "/page/combobox.js";
import { byId, complain, element, number, say } from "/page/dom.js";
import { HEADS } from "/page/words.js";

const ACTOR = "rubricator.actor"; // in the browser's memory: who decides here
const ONE = { rubric: "рубрика", regions: "регион", tags: "тег" };

/** Draws the first of `found` into `place`; `next()` asks for the queue again. */
export function audit(place, found, next) {
  const [one] = found;
  const chosen = { rubric: [], regions: [], tags: [] };
  const looked = {};
  const key = newKey(); // however often it is sent: one judgement
  let busy = false;

  function group(head) {
    const list = element("ul", { class: "chosen" });
    const box = element("input", { type: "checkbox", id: `audit-looked-${head}` });
    looked[head] = box;
    const draw = () =>
      list.replaceChildren(
        ...chosen[head].map((label) =>
          element(
            "li",
            {},
            `${label.label} `,
            element("button", { type: "button", "aria-label": `убрать: ${ONE[head]} «${label.label}»`, onclick: () => drop(label) }, "убрать"),
          ),
        ),
      );
    const drop = (label) => {
      chosen[head] = chosen[head].filter((each) => each !== label);
      draw();
      byId(`audit-${head}`).focus();
    };
    const choose = (label) => {
      const others = head === "rubric" ? [] : chosen[head].filter((each) => each.label !== label.label);
      chosen[head] = [...others, label];
      box.checked = true;
      draw();
      say(`${HEADS[head].one} «${label.label}»: выбрано.`);
    };
    const labels = async () => (await vocabulary())?.[head] ?? [];
    const nothing = head === "rubric" ? "Посмотрено (пусто – статья без рубрики)" : `Посмотрено: ${HEADS[head].many.toLowerCase()} выбраны все`;
    return element(
      "fieldset",
      {},
      element("legend", {}, HEADS[head].many ?? HEADS[head].one),
      combobox({ id: `audit-${head}`, label: head === "rubric" ? "Рубрика статьи" : HEADS[head].add, labels, choose, fresh: "новая метка" }),
      list,
      element("label", { class: "check" }, box, nothing),
    );
  }

  async function save() {
    if (busy) return;
    const heads = Object.keys(chosen).filter((head) => looked[head].checked);
    const unfinished = Object.keys(chosen).map((head) => byId(`audit-${head}`)).find((field) => field.value.trim());
    if (unfinished) {
      complain(`В поле «${unfinished.labels[0].textContent}» остался текст: нажмите в нём Enter, чтобы выбрать метку, или сотрите его.`);
      unfinished.focus();
      return;
    }
    if (!heads.length) {
      complain("Выберите рубрику или отметьте «Посмотрено» там, где вы посмотрели.");
      return;
    }
    busy = true;
    try {
      const final = Object.fromEntries(heads.map((head) => [head, chosen[head].map(({ id, label }) => (id ? { id } : { label }))]));
      const actor = localStorage.getItem(ACTOR);
      const body = { article_id: one.article_id, prediction_id: one.prediction_id, final, seen: true, audit: true };
      if (actor) body.actor = actor;
      say("Сохраняю…");
      const recorded = await call("POST", "/corrections", body, { key });
      reveal(recorded);
    } catch (problem) {
      complain(problem.message);
    } finally {
      busy = false;
    }
  }

  function reveal(recorded) {
    const told = recorded.audited.map((outcome) =>
      element(
        "li",
        {},
        element("span", { class: outcome.correct ? "right" : "wrong" }, outcome.correct ? "совпало" : "не совпало"),
        ` – ${ONE[outcome.head]} «${outcome.label}»`,
      ),
    );
    const heading = element("h2", { id: "heading-audit", tabindex: "-1" }, "Модель сказала");
    place.replaceChildren(
      heading,
      told.length ? element("ul", { id: "revealed" }, told) : element("p", { class: "note" }, "Там, где вы посмотрели, без просмотра ничего не публиковалось: в точность это не засчитано."),
      element("p", {}, `Вы выбрали: ${Object.entries(chosen).filter(([head]) => looked[head].checked).map(([head, labels]) => `${(HEADS[head].many ?? HEADS[head].one).toLowerCase()} – ${labels.map((label) => `«${label.label}»`).join(", ") || "ничего"}`).join("; ")}.`),
      element("p", { class: "hint" }, "В точность засчитано первое решение. Ваш выбор сохранён и как правка статьи."),
      element("p", { class: "actions" }, element("button", { type: "button", class: "main", id: "audit-next", onclick: next }, "Следующая статья ", element("kbd", {}, "Enter"))),
    );
    say(`Сохранено, правка № ${recorded.id}.`);
    byId("audit-next").focus();
  }

  const form = element(
    "form",
    {
      id: "audit",
      autocomplete: "off",
      "aria-labelledby": "heading-audit",
      onsubmit: (event) => event.preventDefault(),
      onkeydown: (event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        save();
      },
    },
    element("h2", { id: "heading-audit", tabindex: "-1" }, `Статья ${one.article_id}`),
    element("p", {}, "Откройте её в CMS и выберите метки так, будто сервиса нет. Что опубликовала модель, вы узнаете после сохранения: иначе её ответ подсказывал бы ваш."),
    group("rubric"),
    group("regions"),
    group("tags"),
    element("p", { class: "actions" }, element("button", { type: "button", class: "main", onclick: save }, "Сохранить и узнать ответ модели ", element("kbd", {}, "Ctrl Enter"))),
    element("p", { class: "hint" }, `В очереди: ${number(found.length)}. Статьи выбраны случайно, по номеру.`),
  );
  place.replaceChildren(form);
}
