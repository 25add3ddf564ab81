// A field that suggests labels while one types: the ARIA pattern «combobox with a list».

import { element } from "/page/dom.js";
import { folded, rank } from "/page/names.js";

const SHOWN = 8;

/** `labels()` promises [{id, label, hint?}]; `choose(label)` gets one of them, or {label} of what was typed. */
export function combobox({ id, label, labels, choose, fresh }) {
  const list = element("ul", { id: `${id}-list`, role: "listbox", "aria-label": label, hidden: true });
  const input = element("input", {
    id,
    role: "combobox",
    autocomplete: "off",
    "aria-autocomplete": "list",
    "aria-controls": `${id}-list`,
    "aria-expanded": "false",
  });
  let found = [];
  let at = -1;

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    at = -1;
  }

  function mark(next) {
    at = next;
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    if (at < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", `${id}-${at}`);
  }

  function take(one) {
    input.value = "";
    close();
    choose(one);
  }

  async function suggest() {
    const typed = folded(input.value);
    if (!typed) return close();
    const all = (await labels()) ?? [];
    if (folded(input.value) !== typed) return undefined; // another letter came meanwhile
    found = all.map((one) => [rank(one.label, typed), one]).filter(([of]) => of < Infinity);
    found = found.sort((a, b) => a[0] - b[0]).slice(0, SHOWN).map(([, one]) => one);
    if (fresh && !found.some((one) => folded(one.label) === typed))
      found.push({ label: input.value.trim().replace(/\s+/g, " "), hint: fresh });
    list.replaceChildren(
      ...found.map((one, i) =>
        element(
          "li",
          { id: `${id}-${i}`, role: "option", "aria-selected": "false", onmousedown: (event) => event.preventDefault(), onclick: () => take(one) },
          one.label,
          one.hint && element("span", { class: "hint" }, ` ${one.hint}`),
        ),
      ),
    );
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(found.length > 0));
    return mark(found.length ? 0 : -1);
  }

  input.addEventListener("input", suggest);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", async (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (list.hidden) await suggest();
      const many = found.length;
      if (many && !list.hidden) mark((at + (event.key === "ArrowDown" ? 1 : many - 1)) % many);
      event.preventDefault();
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (list.hidden) await suggest();
      if (at >= 0) take(found[at]);
    } else if (event.key === "Escape") {
      if (list.hidden) input.value = "";
      close();
    }
  });
  return element("div", { class: "combobox field" }, element("label", { for: id }, label), input, list);
}
