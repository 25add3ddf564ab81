// «Словарь»: tags by name, and a form for the one that is chosen.

import { call } from "/page/api.js";
import { byId, complain, element, number, say } from "/page/dom.js";
import { folded, rank } from "/page/names.js";
import { termForm } from "/page/term.js";
import { RULES } from "/page/words.js";

const SHOWN = 50;

let listing = { version: "", tags: [] }; // as it was read last
let form = null; // the open one

const collator = new Intl.Collator("ru");

/** Reads the vocabulary again, and draws it. */
async function read() {
  listing = await call("GET", "/vocabulary");
  draw();
  return listing;
}

export async function showVocabulary(wanted) {
  if (wanted) byId("term-search").value = wanted;
  await read();
  const found = wanted && listing.tags.find((one) => one.label === wanted || one.id === wanted);
  if (found) open(found);
}

function draw() {
  const typed = folded(byId("term-search").value);
  const gone = document.querySelector("#term-status input:checked").value === "gone";
  const fits = (one) => Math.min(...[one.label, ...one.synonyms, one.id].map((name) => rank(name, typed)));
  const of = listing.tags.filter((one) => (one.status !== "active") === gone);
  const found = of.map((one) => [fits(one), one]).filter(([how]) => how < Infinity);
  found.sort(([a, one], [b, other]) => a - b || collator.compare(one.label, other.label));
  const more = found.length > SHOWN ? `, показаны первые ${SHOWN}: начните вводить название` : "";
  byId("terms-about").textContent = typed ? `Нашлось: ${number(found.length)} из ${number(of.length)}${more}.` : `Тегов: ${number(of.length)}${more}.`;
  byId("terms-list").replaceChildren(...found.slice(0, SHOWN).map(([, one]) => row(one)));
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

/** J and K go through the list. */
function step(by) {
  const buttons = [...byId("terms-list").querySelectorAll("button.term")];
  const at = buttons.indexOf(document.activeElement);
  const next = buttons[at < 0 ? 0 : at + by];
  next?.focus();
  return Boolean(next);
}

export function initVocabulary() {
  const fresh = () => open({ label: byId("term-search").value.trim() });
  byId("term-search").addEventListener("input", draw);
  byId("term-status").addEventListener("change", draw);
  byId("term-new").addEventListener("click", fresh);
  const keys = {
    KeyF: () => byId("term-search").focus(),
    KeyN: fresh,
    KeyJ: () => step(1),
    KeyK: () => step(-1),
  };
  return {
    key(code) {
      if (!keys[code]) return false;
      keys[code]();
      return true;
    },
  };
}
