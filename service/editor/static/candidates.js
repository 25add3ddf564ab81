// Names that many articles of these days have, and no tag: a tag is made of one, or it is not proposed again.

import { call, forgetVocabulary } from "/page/api.js";
import { complain, element, number, say } from "/page/dom.js";

export const candidates = () => call("GET", "/vocabulary/candidates");

/** A line of the list; `open(term)` opens the form of a new tag, `declined(label)` is called when a name was. */
export function candidateRow(one, { days, version, open, declined, stale }) {
  const examples = one.examples.map((each) => element("a", { href: `#prediction=${encodeURIComponent(each.prediction_id)}` }, each.article_id));
  const others = one.forms.filter((form) => form !== one.label);
  const no = element("button", { type: "button", class: "decline", "aria-label": `Не предлагать «${one.label}»`, onclick: () => decline(one.label, version, declined, stale) }, "Не предлагать");
  return element(
    "li",
    { class: "candidate" },
    element("button", { type: "button", class: "term", "aria-label": `Завести тег «${one.label}»`, onclick: () => open({ label: one.label }) }, one.label),
    no,
    element(
      "p",
      { class: "hint" },
      `статей за ${number(days)} дн.: ${number(one.count)}`,
      others.length > 0 && ` · писали: ${others.slice(0, 5).join(", ")}`,
      " · например: ",
      ...examples.flatMap((link, i) => (i ? [", ", link] : [link])),
    ),
  );
}

/** A tag with the rule «never»: its name is proposed neither for articles nor here. */
async function decline(label, version, declined, stale) {
  try {
    await call("POST", "/vocabulary/tags", { label, policy: "never_suggest" }, { version });
    forgetVocabulary();
    await declined();
    say(`«${label}» больше не предложим. `, element("a", { href: `#vocabulary=${encodeURIComponent(label)}` }, "Передумать"));
  } catch (problem) {
    if (problem.kind === "changed-meanwhile") {
      await stale();
      complain("Кто-то изменил словарь раньше вас. Список прочитан заново: если имя ещё в нём, нажмите снова.");
    } else complain(problem.message);
  }
}
