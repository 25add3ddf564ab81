// «Словарь»: tags by name, and a form for the one that is chosen.

import { call } from "/page/api.js";
import { candidateRow, candidates } from "/page/candidates.js";
import { byId, complain, element, number, say, step } from "/page/dom.js";
import { folded, rank } from "/page/names.js";
import { termForm } from "/page/term.js";
import { RULES } from "/page/words.js";

const SHOWN = 50;

let listing = { version: "", tags: [] }; // as it was read last
let proposed = null; // names that have no tag, as they were read last
let form = null; // the open one

const collator = new Intl.Collator("ru");

/** Reads the vocabulary again, and draws it. */
async function read() {
  listing = await call("GET", "/vocabulary");
  draw();
  propose();
  return listing;
}

/** Names without a tag come later than the list: they may take a second. */
async function propose() {
  try {
    proposed = await candidates();
  } catch (problem) {
    proposed = null;
    if (chosen() === "candidates") complain(problem.message);
  }
  byId("candidates-many").textContent = proposed?.candidates.length ? ` (${number(proposed.candidates.length)})` : "";
  if (chosen() === "candidates") draw();
}

export async function showVocabulary(wanted) {
  if (wanted) byId("term-search").value = wanted;
  await read();
  const found = wanted && listing.tags.find((one) => one.label === wanted || one.id === wanted);
  if (found) open(found);
  else if (wanted) open({ label: wanted });
}

const chosen = () => document.querySelector("#term-status input:checked").value;

function draw() {
  const typed = folded(byId("term-search").value);
  if (chosen() === "candidates") {
    drawCandidates(typed);
    return;
  }
  const gone = chosen() === "gone";
  const fits = (one) => Math.min(...[one.label, ...one.synonyms, one.id].map((name) => rank(name, typed)));
  const of = listing.tags.filter((one) => (one.status !== "active") === gone);
  const found = of.map((one) => [fits(one), one]).filter(([how]) => how < Infinity);
  found.sort(([a, one], [b, other]) => a - b || collator.compare(one.label, other.label));
  const more = found.length > SHOWN ? `, показаны первые ${SHOWN}: начните вводить название` : "";
  byId("terms-about").textContent = typed ? `Нашлось: ${number(found.length)} из ${number(of.length)}${more}.` : `Тегов: ${number(of.length)}${more}.`;
  byId("terms-list").replaceChildren(...found.slice(0, SHOWN).map(([, one]) => row(one)));
}

function drawCandidates(typed) {
  const { candidates: all = [], days = 7, articles = 0 } = proposed ?? {};
  const found = all.filter((one) => one.forms.concat(one.label).some((name) => rank(name, typed) < Infinity));
  byId("terms-about").textContent = all.length
    ? `Имена, которые за последние ${number(days)} дн. стоят хотя бы в пяти статьях, а тега для них нет. Выберите имя, чтобы завести тег.`
    : proposed && `Новых имён нет: за последние ${number(days)} дн. размечено готовых статей с номером: ${number(articles)}.`;
  const does = { days, version: listing.version, open, declined: () => again(), stale: () => again() };
  byId("terms-list").replaceChildren(...found.slice(0, SHOWN).map((one) => candidateRow(one, does)));
}

/** Reads all anew, and goes on with the line that stands where this one stood. */
async function again() {
  const rows = [...byId("terms-list").children];
  const at = rows.findIndex((each) => each.contains(document.activeElement));
  listing = await call("GET", "/vocabulary");
  await propose();
  const buttons = byId("terms-list").querySelectorAll("button.term");
  (buttons[Math.min(Math.max(at, 0), buttons.length - 1)] ?? byId("term-search")).focus();
}

function row(one) {
  const facts = [
    one.synonyms.length > 0 && `также: ${one.synonyms.join(", ")}`,
    one.policy !== "normal" && RULES[one.policy],
    one.status === "merged" && `слит с «${labelOf(one.merged_into)}»`,
    one.status === "retired" && "убран: больше не предлагается",
  ].filter(Boolean);
  return element(
    "li",
    {},
    element("button", { type: "button", class: "term", "data-id": one.id, "aria-label": `Изменить тег «${one.label}»`, onclick: () => open(one) }, one.label),
    facts.length > 0 && element("p", { class: "hint" }, facts.join(" · ")),
  );
}

const labelOf = (id) => listing.tags.find((one) => one.id === id)?.label ?? id;

/** The form of a tag; without an id, of a new one with these fields. What was typed into another form is not lost. */
export function open(one) {
  if (form?.dirty()) {
    complain("В открытой форме есть несохранённое: сохраните его или закройте форму.");
    form.focus();
    return;
  }
  form = termForm({ term: one, listing, read, labelOf, close, done });
  byId("term").replaceChildren(form.node);
  byId("view-vocabulary").classList.add("editing");
  form.focus();
}

function close(id) {
  form = null;
  byId("view-vocabulary").classList.remove("editing");
  byId("term").replaceChildren();
  const button = id && byId("terms-list").querySelector(`[data-id="${CSS.escape(id)}"]`);
  (button || byId("term-search")).focus();
}

/** After a change: the list has it, the form is closed. */
function done(id, told) {
  close(id);
  say(told);
}

const go = (by) => step([...byId("terms-list").querySelectorAll("button.term")], by);

export function initVocabulary() {
  const fresh = () => open({ label: byId("term-search").value.trim() });
  byId("term-search").addEventListener("input", draw);
  byId("term-status").addEventListener("change", draw);
  byId("term-new").addEventListener("click", fresh);
  const decline = () => document.activeElement?.closest(".candidate")?.querySelector(".decline").click();
  const keys = {
    KeyX: decline,
    KeyF: () => byId("term-search").focus(),
    KeyN: fresh,
    KeyJ: () => go(1),
    KeyK: () => go(-1),
  };
  return {
    key(code) {
      if (!keys[code]) return false;
      keys[code]();
      return true;
    },
  };
}
