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

/** From the one of these that has the focus to the next; to the first where none has. Whether there is one. */
export function step(all, by) {
  const at = all.indexOf(document.activeElement);
  const next = all[at < 0 ? 0 : at + by];
  next?.focus();
  return Boolean(next);
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

/** A table of which the first rows are shown, and all when one asks for them. */
export function longTable(caption, headings, rows, first) {
  if (rows.length <= first + 2) return table(caption, headings, rows);
  const place = element("div", {}, table(caption, headings, rows.slice(0, first)));
  const more = () => {
    place.replaceChildren(table(caption, headings, rows));
    place.firstElementChild.focus();
  };
  place.append(element("p", { class: "actions" }, element("button", { type: "button", class: "more", onclick: more }, `Показать все: ${number(rows.length)}`)));
  return place;
}

/** Closed, and filled when it is opened first: `fill()` promises nodes. */
export function unfolds(summary, fill) {
  const told = element("div", {});
  const more = element("details", {}, element("summary", {}, summary), told);
  more.addEventListener("toggle", async () => {
    if (!more.open || told.hasChildNodes()) return;
    told.replaceChildren(element("p", { class: "hint" }, "Загружаю…"));
    try {
      told.replaceChildren(...[await fill()].flat());
    } catch (problem) {
      told.replaceChildren();
      complain(problem.message);
    }
  });
  return more;
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
const hundredths = new Intl.NumberFormat("ru", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const date = new Intl.DateTimeFormat("ru", { dateStyle: "long", timeZone: "UTC" });
const moment = new Intl.DateTimeFormat("ru", { dateStyle: "medium", timeStyle: "short" });

export const percent = (share) => percentage.format(share);
export const number = (value) => (value === null || value === undefined ? "–" : whole.format(value));
export const decimal = (value) => hundredths.format(value).replace("-", "−");
export const day = (iso) => (iso ? date.format(new Date(iso.slice(0, 10))) : "–");
export const time = (iso) => (iso ? moment.format(new Date(iso)) : "–");

export function say(text, ...more) {
  byId("alert").replaceChildren();
  byId("status").replaceChildren(text, ...more);
}

export function complain(text, ...more) {
  byId("status").replaceChildren();
  byId("alert").replaceChildren(text, ...more);
}
