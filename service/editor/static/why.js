// «Почему не X?»: what a label would have needed.

import { vocabulary } from "/page/api.js";
import { combobox } from "/page/combobox.js";
import { element, percent } from "/page/dom.js";
import { HEADS, POLICIES } from "/page/words.js";

/** A field for any label, and below it the answer; `mark` shows the words in the text. */
export function whyBox(view, actions, mark) {
  const told = element("div", { id: "why-answer", "aria-live": "polite" });

  async function labels() {
    const all = await vocabulary();
    return Object.keys(HEADS).flatMap((head) =>
      (all?.[head] ?? []).map((one) => ({ ...one, head, hint: HEADS[head].one.toLowerCase() })),
    );
  }

  const ask = (one) =>
    actions.alone(async () => {
      const annotation = await actions.why(one.head, one);
      const why = annotation.explain?.why;
      if (!why) {
        told.replaceChildren(element("p", {}, "Об этом тексте сказать нечего: сервис не может его прочитать."));
        return;
      }
      const name = `${HEADS[why.head].one.toLowerCase()} «${why.label}»`;
      told.replaceChildren(
        element("h4", {}, `${HEADS[why.head].one} «${why.label}»: ${percent(why.score)}, нужно не меньше ${percent(why.threshold)}`),
        element("ul", {}, reasons(why, view.decision.annotation).map((reason) => element("li", {}, reason))),
      );
      const places = why.evidence.map((span) => ({ ...span, weight: 1 }));
      mark(name, [...why.words, ...places]);
    });

  return element("section", { class: "why", "aria-labelledby": "heading-why" },
    element("h3", { id: "heading-why" }, "Почему не…? ", element("kbd", {}, "W")),
    combobox({ id: "why", label: "Рубрика, регион или тег", labels, choose: ask }),
    told,
  );
}

function reasons(why, annotation) {
  const told = [];
  const suppressed = (annotation.suppressed ?? []).some((one) => one.id === why.id && HEADS_OF[one.kind] === why.head);
  if (suppressed) told.push("Редактор отклонил эту метку у этой статьи, поэтому она больше не предлагается.");
  if (why.policy) told.push(`Правило редакции: ${POLICIES[why.policy]}.`);
  if (why.head === "rubric") told.push(...ofRubric(why, annotation.rubric));
  else if (why.head === "tags") told.push(...ofTag(why, annotation.tags ?? []));
  else told.push(...ofRegion(why, annotation.regions ?? []));
  return told;
}

const HEADS_OF = { rubric: "rubric", region: "regions", tag: "tags" };

function ofRubric(why, rubric) {
  if (rubric?.id === why.id) return ["Это и есть ответ."];
  if (!rubric) return ["Ни одна рубрика не набрала порога, эта тоже."];
  return [`Вероятнее оказалась «${rubric.label}»: ${percent(rubric.score)}. Рубрика у статьи одна.`];
}

function ofTag(why, shown) {
  if (shown.some((one) => one.id === why.id)) return ["Этот тег предложен."];
  const told = [why.named ? "Название тега в тексте есть." : "Названия тега в тексте нет."];
  if (!why.learnt) told.push("Примеров у этого тега мало: его предлагают только по названию в тексте.");
  else if (!why.words.length) told.push("Ни одно слово статьи за этот тег не говорит.");
  if (why.score >= why.threshold) told.push("Порог пройден, но пять других тегов вероятнее: больше не показываем.");
  else if (why.words.length) told.push("Слов, которые говорят за него, не хватило: они выделены в тексте.");
  return told;
}

function ofRegion(why, shown) {
  const answer = shown.find((one) => one.id === why.id);
  if (!why.named) return ["Это место в тексте не названо."];
  if (answer && answer.decision !== "abstain") return ["Этот регион предложен."];
  return ["Место названо, но, скорее всего, статья не о нём: редакторы таких мест обычно не отмечают."];
}
