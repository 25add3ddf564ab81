// One tag: its name, other names, rule; merged, retired, brought back. Another's change is told, and nothing is lost.

import { call, forgetVocabulary } from "/page/api.js";
import { combobox } from "/page/combobox.js";
import { byId, complain, element } from "/page/dom.js";
import { RULES } from "/page/words.js";

const AGAIN = "Ваше осталось в полях: нажмите ещё раз, чтобы было по-вашему, или закройте форму.";

/** The form of `term`; without an id it is a new one, with the fields that are there. `read()` reads the vocabulary
 * again, `done(id, text)` is called after a change, `close(id)` when the editor leaves. */
export function termForm({ term, listing, read, labelOf, close, done }) {
  let { version } = listing; // the one that the editor has seen
  let base = fieldsOf(term);
  let busy = false;

  const label = element("input", { id: "term-label", maxlength: "200", autocomplete: "off" });
  const synonyms = element("textarea", { id: "term-synonyms", rows: "4", "aria-describedby": "term-synonyms-hint" });
  const policy = element("select", { id: "term-policy" }, Object.entries(RULES).map(([value, text]) => element("option", { value }, text)));
  const inputs = { label, synonyms, policy };
  const heading = element("h2", { id: "heading-term", tabindex: "-1" }, term.id === undefined ? "Новый тег" : `Тег «${term.label}»`);
  fill(base, Object.keys(inputs));

  function fill(fields, names) {
    for (const name of names) inputs[name].value = fields[name];
  }

  const written = () => ({ label: label.value.trim(), synonyms: lines(synonyms.value).join("\n"), policy: policy.value });
  const changed = () => Object.keys(inputs).filter((name) => written()[name] !== base[name]);

  /** One change; `told` says it was done. */
  async function send(method, path, body, told) {
    if (busy) return;
    busy = true;
    try {
      const made = await call(method, path, body, { version });
      forgetVocabulary();
      await read();
      done(made.id, told(made));
    } catch (problem) {
      if (problem.kind === "changed-meanwhile") await conflict().catch((other) => complain(other.message));
      else blame(problem);
    } finally {
      busy = false;
    }
  }

  /** Another was faster. Fields that this editor has not touched become what they are now. */
  async function conflict() {
    const now = await read();
    version = now.version;
    const found = term.id === undefined ? undefined : now.tags.find((one) => one.id === term.id);
    const own = changed();
    const same = term.id === undefined || (found && described(found, labelOf) === described(term, labelOf));
    if (found) {
      [term, base] = [found, fieldsOf(found)];
      fill(base, Object.keys(inputs).filter((name) => !own.includes(name)));
      drawMore();
    }
    complain(same ? `Кто-то изменил словарь раньше вас, но не этот тег. ${AGAIN}` : `Кто-то изменил этот тег раньше вас. Теперь он: ${found ? described(found, labelOf) : "модель его больше не знает"}. ${AGAIN}`);
  }

  function blame(problem) {
    complain(problem.message);
    for (const [name, input] of Object.entries(inputs)) {
      const wrong = problem.pointers.some((pointer) => pointer.split("/")[1] === name);
      if (wrong) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
      if (wrong) input.focus();
    }
  }

  const address = () => `/vocabulary/tags/${encodeURIComponent(term.id)}`;

  function save() {
    const fields = written();
    if (!fields.label) {
      blame({ message: "У тега должно быть название.", pointers: ["/label"] });
      return;
    }
    const names = term.id === undefined ? Object.keys(inputs) : changed();
    const body = Object.fromEntries(names.map((name) => [name, name === "synonyms" ? lines(fields.synonyms) : fields[name]]));
    if (term.id === undefined) send("POST", "/vocabulary/tags", body, (made) => `Тег «${made.label}» заведён: с этой минуты его находят по названию.`);
    else if (names.length) send("PATCH", address(), body, (made) => `Тег «${made.label}» изменён.`);
    else close(term.id);
  }

  const more = element("div", { id: "term-more" });

  function drawMore() {
    if (term.id === undefined) return;
    if (term.status !== "active") {
      const back = () => send("PATCH", address(), { status: "active" }, (made) => `Тег «${made.label}» снова в употреблении.`);
      more.replaceChildren(
        element("p", { class: "note" }, term.status === "merged" ? `Слит с «${labelOf(term.merged_into)}»: вместо него ответят так.` : "Убран: в ответах его не бывает, прежние правки с ним ничего не значат."),
        element("p", { class: "actions" }, element("button", { type: "button", id: "term-back", onclick: back }, "Вернуть в употребление")),
      );
      return;
    }
    const others = async () => listing.tags.filter((one) => one.status === "active" && one.id !== term.id);
    const merge = (into) =>
      ask(`Слить «${term.label}» с «${into.label}»? Ответы, прежние правки и новое обучение с «${term.label}» будут значить «${into.label}».`, "Слить", () =>
        send("POST", `${address()}/merge`, { into: into.id }, () => `Тег «${term.label}» слит с «${into.label}». Вернуть его можно в списке «слитые и убранные».`),
      );
    const retire = () =>
      ask(`Убрать «${term.label}»? Его больше не предложат ни одной статье; номер останется за ним.`, "Убрать", () =>
        send("POST", `${address()}/retire`, undefined, () => `Тег «${term.label}» убран. Вернуть его можно в списке «слитые и убранные».`),
      );
    more.replaceChildren(
      element("h3", {}, "Тег больше не нужен?"),
      combobox({ id: "term-into", label: "Слить с тегом", labels: others, choose: merge }),
      element("p", { class: "actions" }, element("button", { type: "button", id: "term-retire", onclick: retire }, "Убрать из словаря")),
      element("div", { id: "term-sure" }),
    );
  }

  /** What can't be seen in the fields is asked for once more. */
  function ask(question, yes, doing) {
    const group = byId("term-sure");
    const no = () => {
      group.replaceChildren();
      byId("term-retire").focus();
    };
    const stopped = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      no();
    };
    group.replaceChildren(
      element(
        "div",
        { class: "note", role: "group", "aria-labelledby": "term-question", onkeydown: stopped },
        element("p", { id: "term-question" }, question),
        element("p", { class: "actions" }, element("button", { type: "button", class: "main", id: "term-yes", onclick: doing }, yes), element("button", { type: "button", onclick: no }, "Нет, оставить")),
      ),
    );
    byId("term-yes").focus();
  }

  function pressed(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      save();
    } else if (event.key === "Escape" && event.target.role !== "combobox") {
      if (changed().length) complain("В полях есть несохранённое: сохраните его или нажмите «Закрыть».");
      else close(term.id);
    }
  }

  const field = (id, text, input, hint) => element("div", { class: "field" }, element("label", { for: id }, text), input, hint);
  const node = element(
    "form",
    { "aria-labelledby": "heading-term", novalidate: true, onkeydown: pressed, onsubmit: (event) => (event.preventDefault(), save()) },
    heading,
    field("term-label", "Название", label),
    field("term-synonyms", "Другие названия, по одному в строке", synonyms, element("p", { class: "hint", id: "term-synonyms-hint" }, "По ним тег тоже находят в тексте, в любом падеже.")),
    field("term-policy", "Правило", policy),
    element(
      "p",
      { class: "actions" },
      element("button", { type: "submit", class: "main" }, term.id === undefined ? "Завести " : "Сохранить ", element("kbd", {}, "Ctrl Enter")),
      element("button", { type: "button", id: "term-close", onclick: () => close(term.id) }, "Закрыть ", element("kbd", {}, "Esc")),
    ),
    term.id !== undefined && element("p", { class: "hint" }, `Номер тега, который не меняется: ${term.id}`),
    more,
  );
  drawMore();
  return { node, dirty: () => changed().length > 0, focus: () => (term.id === undefined ? label : heading).focus() };
}

const lines = (text) => text.split("\n").map((line) => line.trim().replace(/\s+/g, " ")).filter(Boolean);

const fieldsOf = ({ label = "", synonyms = [], policy = "normal" }) => ({ label, synonyms: synonyms.join("\n"), policy });

/** A tag in a sentence, the same for the same. */
function described(one, labelOf) {
  const facts = [
    `«${one.label}»`,
    one.synonyms.length > 0 && `также ${one.synonyms.map((name) => `«${name}»`).join(", ")}`,
    RULES[one.policy],
    one.status === "merged" && `слит с «${labelOf(one.merged_into)}»`,
    one.status === "retired" && "убран",
  ];
  return facts.filter(Boolean).join("; ");
}
