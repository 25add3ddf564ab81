// A text with the words that spoke for a label, and against it, marked.

import { element } from "/page/dom.js";

const STEPS = 4; // shades; the strongest word has the last

/** Nodes of a text; spans are {start, end, weight} in UTF-16 units, and may overlap: weights add up. */
export function marked(text, spans) {
  const cuts = new Set([0, text.length]);
  for (const span of spans) cuts.add(Math.min(span.start, text.length)).add(Math.min(span.end, text.length));
  const ends = [...cuts].sort((a, b) => a - b);
  const most = Math.max(...spans.map((span) => Math.abs(span.weight)), 1e-9);
  return ends.slice(1).map((end, i) => {
    const start = ends[i];
    const over = spans.filter((span) => span.start <= start && span.end >= end);
    const piece = text.slice(start, end);
    if (!over.length) return piece;
    const weight = over.reduce((sum, span) => sum + span.weight, 0);
    const step = Math.max(1, Math.min(STEPS, Math.ceil((Math.abs(weight) / most) * STEPS)));
    return element("mark", { class: weight < 0 ? "against" : `for-${step}` }, piece);
  });
}

/** Words for and against, as a sentence for those who don't see colours. */
export function inWords(spans) {
  const told = (some) => [...new Set(some.map((span) => span.text.toLowerCase()))].slice(0, 8).join(", ");
  const plus = told(spans.filter((span) => span.weight > 0));
  const minus = told(spans.filter((span) => span.weight < 0));
  return [plus && `За: ${plus}.`, minus && `Против: ${minus}.`].filter(Boolean).join(" ");
}
