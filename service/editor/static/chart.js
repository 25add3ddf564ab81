// A small chart over days or weeks: drawn for the eye, said in a sentence, and all its figures in a table.

import { element, table, unfolds } from "/page/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 170;
const MOST_STEP = 40; // px from point to point
const LEAST = 0.01; // where the axis of a share ends, if all are nought
const WIDEST = 560; // px; narrower on a phone, so that letters keep their size
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 10, 10, 24];

/** `points` are {label, value, low?, high?, mark?}; a value that is null is a gap. `told(value)` is for people. `whole`:
 * bars of counts. `mark` is told where a point has one: the model was changed. */
export function chart({ title, hint, points, told, whole = false, most }) {
  const there = points.filter((one) => one.value !== null);
  if (!there.length) return null;
  const last = there[there.length - 1];
  const values = there.map((one) => one.value);
  const sentence = `${title}: ${last.label} – ${told(last.value)}; за всё время на графике от ${told(Math.min(...values))} до ${told(Math.max(...values))}.`;
  const interval = there.some((one) => one.low !== undefined);
  const marks = points.some((one) => one.mark);
  const headings = ["Когда", "Сколько", interval && "Интервал", marks && "Модель"].filter(Boolean);
  const cells = (one) => [one.label, told(one.value), interval && `${told(one.low)} – ${told(one.high)}`, marks && (one.mark ?? "")].filter((cell) => cell !== false);
  return element(
    "figure",
    { class: "chart" },
    element("figcaption", {}, element("strong", {}, title), ` ${last.label}: ${told(last.value)}`),
    drawn(points, { told, whole, sentence, top: most ?? round(Math.max(...there.map((one) => one.high ?? one.value), whole ? 1 : LEAST)) }),
    hint && element("p", { class: "hint" }, hint),
    unfolds("Числа графика", async () => [table(title, headings, [...there].reverse().map(cells))]),
  );
}

/** The next figure of one digit, or 1.5, 2.5: where an axis may end. */
function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value * 0.999) * power;
}

function drawn(points, { told, whole, sentence, top }) {
  const width = Math.max(260, Math.min(WIDEST, document.documentElement.clientWidth - 32));
  const step = Math.min(MOST_STEP, (width - LEFT - RIGHT) / points.length);
  const x = (i) => width - RIGHT - step * (points.length - i - 0.5); // the latest stands at the right
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const svg = node("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": sentence });
  for (const value of whole && top < 4 ? [0, top] : [0, top / 2, top]) {
    svg.append(node("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }));
    svg.append(node("text", { class: "axis", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, told(value)));
  }
  const last = points.length - 1;
  svg.append(node("text", { class: "axis", x: width - RIGHT, y: HEIGHT - 6, "text-anchor": "end" }, points[last].label));
  if (x(last) - x(0) > width / 2) svg.append(node("text", { class: "axis", x: x(0) - step / 2, y: HEIGHT - 6, "text-anchor": "start" }, points[0].label));
  points.forEach((one, i) => one.mark && i > 0 && svg.append(node("line", { class: "change", x1: x(i) - step / 2, x2: x(i) - step / 2, y1: TOP, y2: HEIGHT - BOTTOM })));
  if (whole) points.forEach((one, i) => one.value && svg.append(node("rect", { class: "part", x: x(i) - step * 0.35, width: step * 0.7, y: y(one.value), height: HEIGHT - BOTTOM - y(one.value) })));
  else for (const run of runs(points)) svg.append(...line(run, points, x, y));
  return svg;
}

/** Stretches of points without a gap, as their places. */
function runs(points) {
  const found = [[]];
  points.forEach((one, i) => (one.value === null ? found.push([]) : found[found.length - 1].push(i)));
  return found.filter((run) => run.length);
}

function line(run, points, x, y) {
  const through = (places, name) => places.map((i) => `${x(i).toFixed(1)},${y(points[i][name]).toFixed(1)}`).join(" ");
  const made = [];
  if (points[run[0]].low !== undefined) {
    if (run.length > 1) made.push(node("polygon", { class: "band", points: `${through(run, "high")} ${through([...run].reverse(), "low")}` }));
    else made.push(node("line", { class: "whisker", x1: x(run[0]), x2: x(run[0]), y1: y(points[run[0]].high), y2: y(points[run[0]].low) }));
  }
  made.push(node("polyline", { class: "line", points: through(run, "value") }));
  made.push(...run.map((i) => node("circle", { class: "dot", cx: x(i), cy: y(points[i].value), r: 2.5 })));
  return made;
}

function node(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, typeof value === "number" ? String(Math.round(value * 10) / 10) : value);
  if (text !== undefined) made.textContent = text;
  return made;
}
