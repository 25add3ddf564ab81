// What two versions would answer differently: articles, labels, words.

import { decimal, element, longTable, number, percent, unfolds } from "/page/dom.js";
import { HEADS } from "/page/words.js";

const FIRST = 8; // rows of a table before one asks for all

/** Nodes of what /models/{v}/diff says. */
export function compared(found) {
  const tests = found.articles - found.decided;
  const of = [found.decided && `последние, по которым решали редакторы (${number(found.decided)})`, tests && `проверочные из самих моделей (${number(tests)})`].filter(Boolean).join(" и ");
  return [
    element("p", {}, element("strong", {}, `Другой ответ – у ${number(found.changed)} из ${number(found.articles)} статей${found.articles ? ` (${percent(found.changed / found.articles)})` : ""}. `), `Статьи: ${of}.`),
    ...lists(found),
    found.shifts.length > 0 && longTable("Каких меток станет больше и меньше", ["Метка", "Статей сейчас", "Станет", "Разница"], found.shifts.map(shifted), FIRST),
    found.examples.length > 0 && longTable(`Статьи, ответ на которые изменится${found.changed > found.examples.length ? `: ${number(found.examples.length)} из ${number(found.changed)}` : ""}`, ["Статья", "Рубрика", "Теги"], found.examples.map(article), FIRST),
    found.rubrics.some(hasMoved) && unfolds("Какие слова сдвинулись в рубриках", async () => [element("p", { class: "hint" }, "Вес слова: было → стало."), element("dl", { class: "moved" }, found.rubrics.filter(hasMoved).flatMap(words))]),
  ].filter(Boolean);
}

function lists(found) {
  const what = [["Новые рубрики", found.rubrics_added], ["Рубрик больше не будет", found.rubrics_removed], ["Новые теги", found.tags_added], ["Тегов больше не будет", found.tags_removed]];
  const told = ({ count, names }) => {
    const more = count - Math.min(names.length, 12);
    return `${number(count)} – ${names.slice(0, 12).join(", ")}${more > 0 ? ` и ещё ${number(more)}` : ""}`;
  };
  const items = what.filter(([, labels]) => labels.count).map(([name, labels]) => element("li", {}, element("strong", {}, `${name}: `), told(labels)));
  return items.length ? [element("ul", {}, items)] : [];
}

function shifted(one) {
  const by = one.after - one.before;
  return [`${HEADS[one.head].one} «${one.label}»`, number(one.before), number(one.after), `${by > 0 ? "+" : "−"}${number(Math.abs(by))}`];
}

function article(one) {
  const [was, is] = one.rubric.map((label) => label ?? "нет");
  const tags = [...one.tags_added.map((tag) => `+ ${tag}`), ...one.tags_removed.map((tag) => `− ${tag}`)];
  return [one.title || one.id || "–", was === is ? was : element("strong", {}, `${was} → ${is}`), tags.join(", ") || "–"];
}

const hasMoved = (one) => one.gained.length + one.lost.length > 0;

function words(one) {
  const told = (what, some) => some.length > 0 && element("dd", {}, `${what}: ${some.slice(0, 5).map((word) => `${word.words} ${decimal(word.before)} → ${decimal(word.after)}`).join("; ")}`);
  return [element("dt", {}, one.label), told("сильнее за рубрику", one.gained), told("слабее", one.lost)];
}
