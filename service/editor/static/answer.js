// An answer as an editor sees it: the text with its words, and beside it what can be changed.

import { vocabulary } from "/page/api.js";
import { combobox } from "/page/combobox.js";
import { byId, element, percent } from "/page/dom.js";
import { history } from "/page/history.js";
import { inWords, marked } from "/page/marks.js";
import { whyBox } from "/page/why.js";
import { DECISIONS, HEADS, LEVELS, ORIGINS, POLICIES, REASONS, ROLES, warning } from "/page/words.js";

const PARTS = ["title", "lead", "text", "body_html"];

/** Draws `view.decision` into `place`; leaves in `view.pick` what the digits do. */
export function render(place, view, actions) {
  const { decision, record } = view;
  const text = element("article", { id: "reading", "aria-labelledby": "heading-reading" });
  const legend = element("p", { id: "legend", class: "hint" });
  let pressed = null;

  /** Marks these words; `button` is the one that asked for it, if there is one. */
  function mark(what, spans, button) {
    pressed?.setAttribute("aria-pressed", "false");
    pressed = button ?? null;
    pressed?.setAttribute("aria-pressed", "true");
    const shown = PARTS.filter((part) => record?.[part]).map((part) => {
      const own = spans.filter((span) => span.field === part);
      return element(part === "title" ? "h3" : "p", { class: `part ${part}` }, ...marked(record[part], own));
    });
    text.replaceChildren(...shown);
    if (!what) legend.textContent = "";
    else legend.textContent = spans.length ? `Выделены слова: ${what}. ${inWords(spans)}` : `${what}: слов, которые можно показать, нет.`;
  }

  const spansOf = (head, one) => {
    if (head === "regions") return (one.evidence ?? []).map((span) => ({ ...span, weight: 1 }));
    return decision.annotation.explain?.tags[one.id] ?? [];
  };

  function wordsButton(head, one, what) {
    if (!record || !spansOf(head, one).length) return null;
    const show = () => {
      mark(what, spansOf(head, one), button);
      text.scrollIntoView({ block: "nearest" });
    };
    const button = element("button", { type: "button", class: "words", "aria-pressed": "false", "aria-label": `Слова: ${what}`, onclick: show }, "слова");
    return button;
  }

  // rubric: one of several
  const rubrics = element("div", { class: "labels" });
  const rubricButton = element("button", { type: "button", class: "words", "aria-pressed": "false", onclick: () => markRubric().then(() => text.scrollIntoView({ block: "nearest" })) }, "слова выбранной рубрики");

  /** The words of the chosen rubric; the answer has those of the model's own, others are asked for. */
  async function markRubric() {
    if (!record) return;
    const { rubric: answered, alternatives = [], explain } = decision.annotation;
    const likeliest = answered?.origin === "history" ? null : (answered ?? alternatives[0]);
    const one = decision.rubrics.find((each) => each.id === (decision.rubric ?? likeliest?.id));
    let spans = one && one.id === likeliest?.id ? (explain?.rubric ?? []) : null;
    if (one && !spans) spans = await actions.why("rubric", one).then((found) => found.explain?.why?.words ?? [], () => []);
    if (!one || (decision.rubric && decision.rubric !== one.id)) return; // another was chosen meanwhile
    mark(`рубрика «${one.label}»`, spans, rubricButton);
  }
  const lookedBoxes = {};

  function looked(head) {
    lookedBoxes[head].checked = decision.looked[head];
  }

  function drawRubrics() {
    const own = decision.annotation.rubric;
    const row = (one, key) => {
      const radio = element("input", { type: "radio", name: "rubric", value: one?.id ?? "", id: `rubric-${key}` });
      radio.checked = (one?.id ?? null) === decision.rubric && (one !== null || decision.looked.rubric);
      radio.addEventListener("change", () => {
        decision.pick(one?.id ?? null);
        looked("rubric");
        markRubric();
      });
      const first = one && own && one.id === own.id;
      return element(
        "div",
        { class: "label" },
        element("label", { class: "check" }, radio, element("kbd", {}, String(key)), element("span", { class: "name" }, one ? one.label : "Без рубрики"), one && score(one)),
        first && facts(one),
      );
    };
    rubrics.replaceChildren(...decision.rubrics.map((one, i) => row(one, i + 1)), row(null, 0));
  }

  view.pick = (digit) => {
    const radio = byId(`rubric-${digit}`);
    if (!radio) return false;
    radio.click();
    radio.focus();
    return true;
  };

  // regions and tags: any number
  const lists = { regions: element("div", { class: "labels" }), tags: element("div", { class: "labels" }) };

  function drawList(head) {
    const rows = decision.lists[head].map((one, i) => {
      const box = element("input", { type: "checkbox", id: `${head}-${i}` });
      box.checked = decision.chosen[head].has(one.id);
      box.addEventListener("change", () => {
        decision.toggle(head, one.id, box.checked);
        looked(head);
      });
      return element(
        "div",
        { class: "label" },
        element("label", { class: "check" }, box, element("span", { class: "name" }, one.label), score(one)),
        facts(one, head),
        wordsButton(head, one, `${HEADS[head].one.toLowerCase()} «${one.label}»`),
      );
    });
    lists[head].replaceChildren(...(rows.length ? rows : [element("p", { class: "hint" }, "Ничего не предложено.")]));
  }

  function group(head, content) {
    const box = element("input", { type: "checkbox", id: `looked-${head}` });
    box.addEventListener("change", () => (decision.looked[head] = box.checked));
    box.checked = decision.looked[head];
    lookedBoxes[head] = box;
    const added = (one) => {
      const made = decision.add(head, one);
      looked(head);
      if (head === "rubric") {
        drawRubrics();
        markRubric();
      } else drawList(head);
      byId("status").textContent = `${HEADS[head].one} «${made.label}»: выбрано.`;
    };
    const labels = async () => (await vocabulary())?.[head] ?? [];
    return element(
      "fieldset",
      { id: `head-${head}` },
      element("legend", {}, HEADS[head].many ?? HEADS[head].one),
      content,
      combobox({ id: `add-${head}`, label: HEADS[head].add, labels, choose: added, fresh: "новая метка" }),
      element("div", { class: "looked" }, head === "rubric" && record && rubricButton, element("label", { class: "check" }, box, "Проверено")),
    );
  }

  const groups = [group("rubric", rubrics), group("regions", lists.regions), group("tags", lists.tags)];
  drawRubrics();
  drawList("regions");
  drawList("tags");

  place.replaceChildren(
    element("h2", { id: "heading-answer", tabindex: "-1" }, decision.annotation.id ? `Ответ: статья ${decision.annotation.id}` : "Ответ", record?.stage === "draft" && element("span", { class: "badge" }, "черновик")),
    ...notes(decision.annotation),
    element(
      "div",
      { class: record ? "sides" : "sides alone" },
      element(
        "div",
        { class: "side" },
        element("h3", { id: "heading-reading", class: "quiet" }, "Текст"),
        record ? text : element("p", { class: "note" }, "Текста этой статьи здесь нет: сервис его не хранит. Найдите её в CMS по номеру; метки можно поправить и без текста."),
        record && legend,
        element("p", { class: "actions" }, element("button", { type: "button", onclick: actions.edit }, record ? "Изменить текст " : "Вставить текст ", element("kbd", {}, "E"))),
      ),
      element(
        "form",
        { class: "side decide", onsubmit: (event) => event.preventDefault() },
        element("h3", { class: "quiet" }, "Решение"),
        ...groups,
        rejected(decision.annotation, (head, one) => {
          decision.add(head, one);
          looked(head);
          if (head === "rubric") drawRubrics();
          else drawList(head);
        }),
        element(
          "div",
          { class: "row" },
          element("div", { class: "field" }, element("label", { for: "actor" }, "Кто решил"), element("input", { id: "actor", maxlength: "200", autocomplete: "off" })),
          element("div", { class: "field" }, element("label", { for: "note" }, "Примечание"), element("input", { id: "note", maxlength: "2000", autocomplete: "off" })),
        ),
        element(
          "p",
          { class: "actions" },
          element("button", { type: "button", class: "main", onclick: actions.saveAll }, "Принять всё и сохранить ", element("kbd", {}, "Ctrl Enter")),
          element("button", { type: "button", onclick: actions.save }, "Сохранить проверенное ", element("kbd", {}, "S")),
        ),
        element("p", { class: "hint" }, `Модель ${decision.annotation.model.version}${decision.annotation.model.calibration ? ", сверена по свежим правкам" : ""}, ответ ${decision.annotation.prediction_id}`),
      ),
      element("div", { class: "side more" }, record && whyBox(view, actions, mark), decision.annotation.id && history(decision.annotation.id, actions.undo)),
    ),
  );
  byId("actor").value = actions.actor();
  if (record) mark("", []);
  markRubric();
}

const score = (one) => (one.score === undefined || one.origin === "history" ? null : element("span", { class: "score" }, percent(one.score)));

function facts(one, head) {
  const told = [
    ORIGINS[one.origin],
    one.origin === "history" ? null : DECISIONS[one.decision],
    head === "regions" && ROLES[one.role],
    head === "regions" && LEVELS[one.level],
    POLICIES[one.policy],
  ].filter(Boolean);
  if (one.decision === undefined) told.push("добавлено вами");
  return element("span", { class: `facts ${one.decision ?? ""}` }, told.join(" · "));
}

function notes(annotation) {
  const reasons = annotation.reasons.map((reason) => REASONS[reason] ?? reason);
  const warnings = (annotation.warnings ?? []).map(warning);
  const degraded = annotation.reasons.includes("degraded");
  return [
    reasons.length > 0 && element("p", { class: degraded ? "note bad" : "note" }, `${annotation.status === "abstained" ? "Сервис не берётся решать" : "Почему осторожно"}: ${reasons.join("; ")}.`),
    warnings.length > 0 && element("p", { class: "hint" }, `Замечания: ${warnings.join("; ")}.`),
  ].filter(Boolean);
}

/** What editors rejected before is not suggested again; here it can be taken back. */
function rejected(annotation, back) {
  if (!annotation.suppressed?.length) return null;
  const heads = { rubric: "rubric", region: "regions", tag: "tags" };
  const list = element("ul", {});
  vocabulary().then((all) => {
    list.append(
      ...annotation.suppressed.map((one) => {
        const head = heads[one.kind];
        const label = all?.[head].find((each) => each.id === one.id)?.label ?? one.id;
        const found = all?.[head].some((each) => each.id === one.id);
        const button = element("button", { type: "button", onclick: () => back(head, found ? { id: one.id, label } : { label }) }, "вернуть");
        button.setAttribute("aria-label", `вернуть: ${HEADS[head].one.toLowerCase()} «${label}»`);
        return element("li", {}, `${HEADS[head].one} «${label}» `, button);
      }),
    );
  });
  return element("div", { id: "rejected" }, element("h4", {}, "Отклонено раньше и больше не предлагается"), list);
}
