// One article: what is sent, what is answered, what the editor decides.

import { Problem, call, forgetVocabulary, newKey, vocabulary } from "/page/api.js";
import { byId, complain, element, say } from "/page/dom.js";
import { records } from "/page/records.js";
import { Decision } from "/page/decision.js";
import { render } from "/page/answer.js";

const FIELDS = ["title", "lead", "text", "id", "source"];
const ACTOR = "rubricator.actor"; // in the browser's memory: who decides here

export function initArticle() {
  const form = byId("form");
  const view = { record: {}, decision: null, saved: null, key: null, sent: null, busy: false };
  let opened = { list: [], at: 0 };

  const written = () => {
    const record = { ...view.kept };
    for (const name of FIELDS) {
      const value = form.elements[name].value;
      if (value.trim()) record[name] = name === "id" || name === "source" ? value.trim() : value;
    }
    if (byId("draft").checked) record.stage = "draft";
    return record;
  };

  function fill(record) {
    for (const name of FIELDS) form.elements[name].value = record[name] ?? "";
    byId("draft").checked = record.stage === "draft";
    // what the form has no field for goes along as it came
    view.kept = Object.fromEntries(Object.entries(record).filter(([name]) => !FIELDS.includes(name) && name !== "stage"));
  }

  function edit(focus = "text") {
    byId("answer").hidden = true;
    form.hidden = false;
    form.elements[focus].focus();
    return true;
  }

  function clear() {
    fill({});
    view.saved = null;
    opened = { list: [], at: 0 };
    byId("records").hidden = true;
    say("");
    return edit("title");
  }

  function show(annotation, record) {
    view.record = record;
    view.decision = new Decision(annotation, record);
    view.key = null;
    form.hidden = true;
    byId("answer").hidden = false;
    render(byId("answer"), view, actions);
  }

  /** The record's answer, with the words that spoke for it. */
  async function annotate(record) {
    const annotation = await call("POST", "/annotate?explain=words&spans=utf16", record);
    if ((await vocabulary())?.version !== annotation.model.vocabulary) forgetVocabulary();
    await vocabulary();
    show(annotation, record);
    return annotation;
  }

  /** Runs one thing at a time; what goes wrong is said. */
  async function alone(doing) {
    if (view.busy) return;
    view.busy = true;
    document.body.setAttribute("aria-busy", "true");
    try {
      await doing();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      complain(problem.message);
    } finally {
      view.busy = false;
      document.body.removeAttribute("aria-busy");
    }
  }

  const submit = () =>
    alone(async () => {
      const record = written();
      if (![record.title, record.text, record.body_html].some((part) => typeof part === "string")) {
        complain("Нужен заголовок или текст статьи.");
        form.elements.text.focus();
        return;
      }
      say("Размечаю…");
      await annotate(record);
      say("Ответ готов.");
      byId("heading-answer").focus();
    });

  const save = (everything) =>
    alone(async () => {
      const { decision, record } = view;
      const unfinished = [...document.querySelectorAll("[id^=add-][role=combobox]")].find((field) => field.value.trim());
      if (unfinished) {
        complain(`В поле «${unfinished.labels[0].textContent}» остался текст: нажмите в нём Enter, чтобы добавить метку, или сотрите его.`);
        unfinished.focus();
        return;
      }
      if (everything) decision.acceptAll();
      const final = decision.final(await vocabulary());
      if (!Object.keys(final).length) {
        complain("Отметьте «Проверено» там, где вы посмотрели, или примите всё сразу.");
        return;
      }
      const actor = byId("actor").value.trim();
      localStorage.setItem(ACTOR, actor);
      const body = { prediction_id: decision.annotation.prediction_id, final, seen: true };
      if (record) body.article = record;
      else if (decision.annotation.id) body.article_id = decision.annotation.id;
      if (actor) body.actor = actor;
      if (byId("note").value.trim()) body.note = byId("note").value.trim();
      const content = JSON.stringify(body);
      if (view.sent !== content || !view.key) [view.sent, view.key] = [content, newKey()]; // the same again: the same key
      say("Сохраняю…");
      const recorded = await call("POST", "/corrections", body, { key: view.key });
      view.saved = recorded.id;
      if (record) await annotate(record);
      else render(byId("answer"), view, actions);
      const draft = record?.stage === "draft" ? " Это черновик: учиться на нём модель не будет." : "";
      const remembered = recorded.article_id ? "" : " У статьи нет номера, поэтому для неё самой решение не запомнится.";
      const back = record ? "" : element("a", { href: "#review" }, "К очереди");
      say(`Сохранено, правка № ${recorded.id}.${draft}${remembered} `, undoButton(), " ", back);
      byId("heading-answer").focus();
    });

  const undoButton = () => element("button", { type: "button", class: "undo", onclick: () => undo() }, "Отменить ", element("kbd", {}, "U"));

  /** Takes a correction back; without a number the one that was saved here last. */
  const undo = (number = view.saved) =>
    alone(async () => {
      if (number === null) {
        complain("Отменять нечего: здесь ещё ничего не сохранено.");
        return;
      }
      const actor = byId("actor").value.trim();
      await call("DELETE", `/corrections/${number}${actor ? `?actor=${encodeURIComponent(actor)}` : ""}`);
      if (view.saved === number) view.saved = null;
      if (view.record) await annotate(view.record);
      else render(byId("answer"), view, actions);
      say(`Правка № ${number} отменена.`);
      byId("heading-answer").focus();
    });

  /** An answer that was given before. Its text is not kept. */
  const openPrediction = (id) =>
    alone(async () => {
      const annotation = await call("GET", `/predictions/${encodeURIComponent(id)}`);
      await vocabulary();
      fill({ id: annotation.id ?? "" });
      show(annotation, null);
      say("Открыт прежний ответ.");
      byId("heading-answer").focus();
    });

  function openRecord(at) {
    if (!opened.list[at]) return false;
    opened.at = at;
    byId("records").hidden = opened.list.length < 2;
    byId("place").textContent = `${at + 1} из ${opened.list.length}`;
    byId("previous").disabled = at === 0;
    byId("next").disabled = at === opened.list.length - 1;
    view.saved = null;
    fill(opened.list[at]);
    submit();
    return true;
  }

  const openFile = async (file) => {
    const { list, bad } = records(await file.text());
    if (!list.length) {
      complain("В этом файле нет ни одной статьи: нужен объект JSON, их список или по объекту на строку.");
      return;
    }
    opened = { list, at: 0 };
    openRecord(0);
    if (bad) complain(`Строк, которые не читаются: ${bad}. Они пропущены.`);
  };

  const actions = {
    edit: () => edit(),
    save: () => save(false),
    saveAll: () => save(true),
    undo,
    actor: () => localStorage.getItem(ACTOR) ?? "",
    why: (head, one) =>
      call("POST", `/annotate?spans=utf16&why=${encodeURIComponent(`${head}:${one.id ?? one.label}`)}`, view.record),
    alone,
  };

  const answered = () => !byId("answer").hidden;
  const focus = (id) => {
    const field = byId(id);
    field?.focus();
    return Boolean(field);
  };
  const keys = {
    KeyR: () => focus("add-rubric"),
    KeyG: () => focus("add-regions"),
    KeyT: () => focus("add-tags"),
    KeyW: () => focus("why"),
    KeyE: () => edit(),
    KeyS: () => Boolean(save(false)),
    KeyU: () => Boolean(undo()),
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  byId("clear").addEventListener("click", clear);
  byId("previous").addEventListener("click", () => openRecord(opened.at - 1));
  byId("next").addEventListener("click", () => openRecord(opened.at + 1));
  byId("file").addEventListener("change", (event) => event.target.files[0] && openFile(event.target.files[0]));
  byId("open-prediction").addEventListener("click", () => openPrediction(byId("prediction").value.trim()));
  byId("prediction").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // else the article would be sent
    openPrediction(byId("prediction").value.trim());
  });

  return {
    openPrediction,
    confirm: () => Boolean(answered() ? save(true) : submit()),
    key(code) {
      if (code === "KeyN") return clear();
      if (code === "KeyJ" || code === "KeyK") return openRecord(opened.at + (code === "KeyJ" ? 1 : -1));
      if (!answered()) return false;
      const digit = /^(?:Digit|Numpad)(\d)$/.exec(code);
      if (digit) return view.pick(Number(digit[1]));
      return keys[code]?.() ?? false;
    },
  };
}
