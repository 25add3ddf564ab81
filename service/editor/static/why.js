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
    const of = (head, some, hint = HEADS[head].one.toLowerCase()) => (some ?? []).map((one) => ({ ...one, head, hint }));
    // a rubric that only the latest corrections know is in the answer alone
    const fresh = view.decision.rubrics.filter((one) => !all?.rubric.some((each) => each.id === one.id));
    return [...of("rubric", fresh), ...Object.keys(HEADS).flatMap((head) => of(head, all?.[head])), ...of("tags", all?.gone, "тега больше нет")];
  }

  const ask = (one) =>
    actions.alone(async () => {
      if (one.id === undefined) {
        told.replaceChildren(element("p", {}, `Метки «${one.label}» нет ни у модели, ни в словаре, поэтому её не предлагают. `, inVocabulary(one.label, "Завести тег")));
        return;
      }
      const annotation = await actions.why(one.head, one);
      const why = annotation.explain?.why;
      if (!why) {
        told.replaceChildren(element("p", {}, "Об этом тексте сказать нечего: сервис не может его прочитать."));
        return;
      }
      const name = `${HEADS[why.head].one.toLowerCase()} «${why.label}»`;
      told.replaceChildren(
        element("h4", {}, `${HEADS[why.head].one} «${why.label}»: ${percent(why.score)}, нужно не меньше ${percent(why.threshold)}`),
        element("ul", {}, reasons(why, view.decision.annotation, one).map((reason) => element("li", {}, reason))),
      );
      const places = why.evidence.map((span) => ({ ...span, weight: 1 }));
      mark(name, [...why.words, ...places]);
    });

  return element("section", { class: "why", "aria-labelledby": "heading-why" },
    element("h3", { id: "heading-why" }, "Почему не…? ", element("kbd", {}, "W")),
    combobox({ id: "why", label: "Рубрика, регион или тег", labels, choose: ask, fresh: "такой метки нет" }),
    told,
  );
}

const inVocabulary = (label, text) => element("a", { href: `#vocabulary=${encodeURIComponent(label)}` }, text);

/** `one` is the label as the vocabulary has it. */
function reasons(why, annotation, one) {
  const told = [];
  const suppressed = (annotation.suppressed ?? []).some((one) => one.id === why.id && HEADS_OF[one.kind] === why.head);
  if (suppressed) told.push("Редактор отклонил эту метку у этой статьи, поэтому она больше не предлагается.");
  if (why.status === "retired") told.push(element("span", {}, "Тег убран из словаря и в ответах не бывает. ", inVocabulary(why.label, "Вернуть")));
  if (why.status === "merged") told.push(element("span", {}, why.instead ? `Тег слит: вместо него отвечают «${why.instead}». ` : "Тег слит с таким, которого больше нет. ", inVocabulary(why.label, "В словарь")));
  if (why.policy) told.push(`Правило редакции: ${POLICIES[why.policy]}.`);
  if (why.head === "rubric") told.push(...ofRubric(why, annotation.rubric));
  else if (why.head === "tags") told.push(...ofTag(why, annotation.tags ?? [], one, suppressed));
  else told.push(...ofRegion(why, annotation.regions ?? []));
  return told;
}

const HEADS_OF = { rubric: "rubric", region: "regions", tag: "tags" };

function ofRubric(why, rubric) {
  if (rubric?.id === why.id) return ["Это и есть ответ."];
  if (!rubric) return ["Ни одна рубрика не набрала порога, эта тоже."];
  return [`Вероятнее оказалась «${rubric.label}»: ${percent(rubric.score)}. Рубрика у статьи одна.`];
}

function ofTag(why, shown, { synonyms = [] }, suppressed) {
  const answer = shown.find((one) => one.id === why.id);
  if (answer) return [answer.origin === "history" ? "Этот тег поставил редактор." : "Этот тег предложен."];
  const names = synonyms.length ? `: искали «${[why.label, ...synonyms].join("», «")}», в любом падеже` : "";
  const told = [why.named ? "Название тега в тексте есть." : `Названия тега в тексте нет${names}.`];
  if (!why.learnt) told.push("Примеров у этого тега мало: его предлагают только по названию в тексте.");
  else if (!why.words.length) told.push("Ни одно слово статьи за этот тег не говорит.");
  if (suppressed || why.status || why.policy === "never_suggest") return told;
  if (why.score >= why.threshold) told.push("Порог пройден, но пять других тегов вероятнее: больше не показываем.");
  else if (why.named && !why.learnt) told.push("Одного упоминания мало: чем ближе к началу и чем чаще тег назван, тем выше оценка.");
  else if (why.words.length) told.push("Слов, которые говорят за него, не хватило: они выделены в тексте.");
  return told;
}

function ofRegion(why, shown) {
  const answer = shown.find((one) => one.id === why.id);
  if (!why.named) return ["Это место в тексте не названо."];
  if (answer && answer.decision !== "abstain") return ["Этот регион предложен."];
  return ["Место названо, но, скорее всего, статья не о нём: редакторы таких мест обычно не отмечают."];
}
