// Everything that is shown becomes text here, never markup.

/** element("p", {class: "hint"}, "text", child): an attribute that is false, null or undefined is left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const byId = (id) => document.getElementById(id);

export function table(caption, headings, rows) {
  const cells = (row) => row.map((cell, i) => element(i ? "td" : "th", i ? {} : { scope: "row" }, cell));
  return element(
    "div",
    { class: "wide", tabindex: "0", role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, headings.map((heading) => element("th", { scope: "col" }, heading)))),
      element("tbody", {}, rows.map((row) => element("tr", {}, cells(row)))),
    ),
  );
}

const SVG = "http://www.w3.org/2000/svg";

/** A bar from 0 to 1, for the eye alone: the number stands beside it. */
export function bar(share) {
  const svg = document.createElementNS(SVG, "svg");
  const set = (node, attributes) => Object.entries(attributes).forEach((each) => node.setAttribute(...each));
  set(svg, { class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const [kind, width] of [["whole", 100], ["part", Math.max(0, Math.min(1, share)) * 100]]) {
    const rect = document.createElementNS(SVG, "rect");
    set(rect, { class: kind, width: String(width), height: "8" });
    svg.append(rect);
  }
  return svg;
}

const percentage = new Intl.NumberFormat("ru", { style: "percent", maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("ru");
const moment = new Intl.DateTimeFormat("ru", { dateStyle: "medium", timeStyle: "short" });

export const percent = (share) => percentage.format(share);
export const number = (value) => (value === null || value === undefined ? "–" : whole.format(value));
export const time = (iso) => (iso ? moment.format(new Date(iso)) : "–");

export function say(text, ...more) {
  byId("alert").replaceChildren();
  byId("status").replaceChildren(text, ...more);
}

export function complain(text, ...more) {
  byId("status").replaceChildren();
  byId("alert").replaceChildren(text, ...more);
}
