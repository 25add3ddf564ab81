// What was answered since the service began, how the store does, and which labels there are lately.

import { call } from "/page/api.js";
import { bar, byId, element, longTable, number, percent, table, time } from "/page/dom.js";
import { showOverTime } from "/page/over_time.js";
import { trustFigures } from "/page/trust.js";
import { DECISIONS, HEADS, REASONS } from "/page/words.js";

export async function showNumbers() {
  const [all, overTime] = await Promise.all([call("GET", "/numbers"), showOverTime().catch(() => byId("over-time").replaceChildren())]);
  const { store, labels } = all;
  const part = (count, of) => (of ? element("span", { class: "with-bar" }, element("span", {}, percent(count / of)), bar(count / of)) : "–");
  const decided = (head) => all.decisions.filter((one) => one.head === head).reduce((sum, one) => sum + one.count, 0);
  byId("figures").replaceChildren(...[
    store.up ? "" : element("p", { class: "note bad" }, "Хранилище недоступно: ответы даются без решений редакторов, ничего не публикуется без просмотра, правки не сохраняются."),
    element("h2", {}, "Доверие"),
    ...trustFigures(all.trust),
    element("h2", {}, "С запуска сервиса"),
    table("Статьи", ["Что", "Сколько"], [
      ["Размечено", number(all.articles)],
      ["Не прочитано", number(all.refused)],
    ]),
    table(
      "Решения",
      ["Что", "Решение", "Сколько", "Доля"],
      Object.keys(HEADS).flatMap((head) => all.decisions.filter((one) => one.head === head)).map((one) => [HEADS[one.head]?.one ?? one.head, DECISIONS[one.decision] ?? one.decision, number(one.count), part(one.count, decided(one.head))]),
    ),
    !Object.keys(all.abstentions).length ? element("p", {}, "С запуска не было статей, за которые сервис не взялся.") : table(
      "Почему сервис не решал сам",
      ["Причина", "Статей", "Доля"],
      Object.entries(all.abstentions).map(([reason, count]) => [REASONS[reason] ?? reason, number(count), part(count, all.articles)]),
    ),
    element("h2", {}, "Хранилище"),
    table("Что хранится", ["Что", "Сколько"], [
      ["Доступно", store.up ? "да" : "нет"],
      ["Записей о правках", number(store.corrections)],
      ["Статей с решениями редакторов", number(store.articles_remembered)],
      ["Хранится ответов", number(store.predictions)],
      ["Ответов, не сохранённых за нехваткой места", number(store.predictions_dropped)],
      ["Занято, МБ", store.store_bytes === null ? "–" : number(Math.round(store.store_bytes / 1e5) / 10)],
    ]),
    element("h2", {}, "Последние ответы"),
    element("p", {}, labels.answers ? `Метки – по последним ответам, которые ещё хранятся: ${number(labels.answers)}, начиная с ${time(labels.since)}.` : "Ответов, по которым можно посчитать метки, пока нет."),
    ...["rubrics", "tags"].filter((head) => labels[head].length && !(overTime && head === "rubrics")).map((head) =>
      longTable(
        head === "rubrics" ? "Рубрики последних ответов" : "Теги последних ответов",
        [head === "rubrics" ? "Рубрика" : "Тег", "Статей", "Доля"],
        labels[head].map((one) => [one.label, number(one.count), part(one.count, labels.answers)]),
        12,
      ),
    ),
  ]);
}
