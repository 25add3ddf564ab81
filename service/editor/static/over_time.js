// Figures over days or weeks: how much was answered, where the service was unsure, whether news have left the model behind.

import { call } from "/page/api.js";
import { chart } from "/page/chart.js";
import { bar, byId, complain, element, number, percent, table } from "/page/dom.js";
import { newVersions, periods, sum } from "/page/periods.js";
import { REASONS } from "/page/words.js";

const STRETCHES = { days: { days: 30, text: "30 дней" }, weeks: { days: 26 * 7, text: "полгода, по неделям" } };
const ENOUGH = 100; // articles, for a mix to be compared with another

let chosen = "days";

/** Whether there is anything yet; draws into #over-time. */
export async function showOverTime() {
  const found = await call("GET", `/numbers/days?days=${STRETCHES[chosen].days}`);
  const all = periods(found.days, chosen === "weeks");
  byId("over-time").replaceChildren(choice(), ...(all.length ? [charts(all), ...mixes(all, found)] : [element("p", { class: "note" }, "За это время ещё ничего не размечено.")]));
  return all.length > 0;
}

function choice() {
  const one = ([name, { text }]) =>
    element("label", { class: "check" }, element("input", { type: "radio", name: "stretch", value: name, checked: name === chosen, onchange: () => again(name) }), ` ${text}`);
  return element("fieldset", { class: "choices", id: "stretch" }, element("legend", {}, "За какое время"), Object.entries(STRETCHES).map(one));
}

async function again(name) {
  chosen = name;
  try {
    await showOverTime();
    document.querySelector(`#stretch [value=${name}]`).focus();
  } catch (problem) {
    complain(problem.message);
  }
}

function charts(all) {
  const marks = newVersions(all);
  const points = (value) => all.map((one, i) => ({ label: one.label, mark: marks[i], ...value(one) }));
  const share = (part, of) => (one) => ({ value: one[of] ? one[part] / one[of] : null });
  const reasons = Object.entries(sum(all.map((one) => one.reasons))).sort((a, b) => b[1] - a[1]);
  const made = [
    chart({ title: "Размечено текстов", points: points((one) => ({ value: one.articles })), told: (value) => number(Math.round(value)), whole: true, hint: marks.some(Boolean) ? "Пунктир – начала отвечать другая модель." : "" }),
    chart({ title: "Не взялся решать", points: points(share("abstained", "articles")), told: percent, hint: reasons.length ? `Почему: ${reasons.map(([reason, count]) => `${REASONS[reason] ?? reason} – ${number(count)}`).join("; ")}.` : "" }),
    chart({ title: "Незнакомые слова", points: points(share("unknown", "words")), told: percent, hint: "Слова текстов, о которых модель ничего не знает. Доля растёт – новости ушли вперёд, пора переобучить." }),
    all.some((one) => one.auto) && chart({ title: "Рубрика без просмотра", points: points(share("auto", "articles")), told: percent, hint: "Доля текстов, рубрику которых можно публиковать, не глядя." }),
    chart({
      title: "Верно без просмотра", points: points(({ precision: one }) => (one ? { value: one.right / one.count, low: one.low, high: one.high } : { value: null })), told: percent, most: 1,
      hint: "По всем слепым проверкам модели до этого дня, с интервалом, который верен при любом числе взглядов.",
    }),
  ];
  return element("div", { class: "charts" }, made.filter(Boolean));
}

/** Rubrics of the answers beside those that the model learnt from, or, where it doesn't say, beside those before. */
function mixes(all, { training }) {
  const now = sum(all.map((one) => one.rubrics));
  const of = total(now);
  if (!of) return [];
  const half = Math.ceil(all.length / 2);
  const [before, lately] = [sum(all.slice(0, half).map((one) => one.rubrics)), sum(all.slice(half).map((one) => one.rubrics))];
  if (total(training)) return [compared("Рубрики: ответы и обучение", now, training, "В обучении")];
  const silent = element("p", { class: "hint" }, "Эта модель не помнит, сколько статей каждой рубрики было в её обучении: такие числа есть у моделей, обученных теперь.");
  if (total(before) >= ENOUGH && total(lately) >= ENOUGH) return [compared("Рубрики: вторая половина и первая", lately, before, "В первой половине"), silent];
  return [compared("Рубрики ответов", now, null), silent];
}

const total = (counts) => Object.values(counts).reduce((all, count) => all + count, 0);

function compared(caption, now, then, name) {
  const [of, base] = [total(now), then ? total(then) : 0];
  const labels = [...new Set([...Object.keys(now), ...Object.keys(then ?? {})])];
  const rows = labels.map((label) => ({ label, is: (now[label] ?? 0) / of, was: then ? (then[label] ?? 0) / base : null }));
  rows.sort((a, b) => b.is - a.is || b.was - a.was);
  const moved = rows.reduce((sum, one) => sum + Math.abs(one.is - (one.was ?? one.is)), 0) / 2;
  const share = (value) => element("span", { class: "with-bar" }, element("span", {}, percent(value)), bar(value));
  const points = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${number(Math.abs(Math.round(value * 1000) / 10))}`;
  return element(
    "div",
    {},
    table(caption, ["Рубрика", "В ответах", ...(then ? [name, "Разница, п. п."] : [])], rows.map((one) => [one.label, share(one.is), ...(then ? [percent(one.was), points(one.is - one.was)] : [])])),
    then && element("p", { class: "hint" }, `Всего доли расходятся на ${percent(moved)}: столько текстов пришлось бы переложить в другие рубрики, чтобы они совпали.`),
  );
}
