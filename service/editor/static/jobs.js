// Bulk retagging: how far jobs are, and what can be done with them.

import { call } from "/page/api.js";
import { bar, byId, complain, element, number, percent, say, time } from "/page/dom.js";

const EVERY = 2000; // ms between two looks, while something runs and the section is open

const STATUS = {
  queued: "ждёт очереди",
  running: "идёт",
  cancelling: "останавливается",
  cancelled: "остановлено",
  held: "ждёт подтверждения",
  broken: "часть архива не читается",
  failed: "не удалось",
  stopped: "прервано",
  done: "готово",
  undone: "отменено",
};

let timer = null;

export async function showJobs() {
  clearTimeout(timer);
  const found = await call("GET", "/jobs");
  const focused = document.activeElement?.dataset?.action;
  byId("jobs").replaceChildren(
    found.length ? element("ol", { class: "queue" }, found.map(drawn)) : element("p", { class: "note" }, "Заданий ещё не было. Их ставят из CMS: POST /jobs, или командой rubricator retag."),
  );
  if (focused) document.querySelector(`[data-action="${CSS.escape(focused)}"]`)?.focus();
  if (found.some((one) => ["queued", "running", "cancelling"].includes(one.status))) {
    timer = setTimeout(() => {
      if (!byId("view-jobs").hidden) showJobs().catch((problem) => complain(problem.message));
    }, EVERY);
  }
}

function drawn(one) {
  const running = one.status === "running" || one.status === "cancelling";
  const rate = one.rate ? `${number(Math.round(one.rate))} статей в секунду` : "";
  const left = one.seconds_left === null ? "" : `осталось ${duration(one.seconds_left)}`;
  const counts = running ? { articles: one.articles, changed: one.changed, rejected: one.rejected } : one.counts;
  const counted = counts.articles === undefined ? "" : `статей ${number(counts.articles)}, меняется ${number(counts.changed)}, не прочитано ${number(counts.rejected)}`;
  return element(
    "li",
    {},
    element("p", {}, element("strong", {}, one.input ?? "Архив из CMS"), " ", element("span", { class: "badge" }, STATUS[one.status] ?? one.status), one.dry_run && element("span", { class: "badge" }, "проба")),
    running && element("p", { class: "with-bar" }, element("span", {}, percent(one.share)), bar(one.share)),
    element("p", { class: "hint" }, [counted, rate, left, `модель ${one.model}`, time(one.created_at)].filter(Boolean).join(" · ")),
    one.note && element("p", { class: "hint" }, one.note),
    one.status === "held" && element("p", { class: "note" }, `Изменилось бы больше ${percent(one.max_change)} статей, поэтому ничего не записано. Посмотрите отчёт.`),
    element("p", { class: "actions" }, actions(one)),
  );
}

function actions(one) {
  const address = `/jobs/${one.id}`;
  const act = (name, text, body) => element("button", { type: "button", "data-action": `${one.id}-${name}`, onclick: () => doing(`${address}/${name}`, body) }, text);
  const over = !["queued", "running", "cancelling"].includes(one.status);
  return [
    !over && one.status !== "cancelling" && act("cancel", "Остановить"),
    ["cancelled", "failed", "broken", "stopped"].includes(one.status) && act("resume", "Продолжить", {}),
    one.status === "held" && act("resume", "Подтвердить и записать", { max_change: 1 }),
    over && one.status !== "cancelled" && element("a", { href: `${address}/report` }, "Отчёт"),
    one.status === "done" && !one.dry_run && one.input === null && element("a", { href: `${address}/results` }, "Скачать результат"),
    over && one.counts.rejected > 0 && element("a", { href: `${address}/errors` }, "Что не прочитано"),
  ].filter(Boolean);
}

async function doing(address, body) {
  try {
    await call("POST", address, body);
    await showJobs();
    say(address.endsWith("cancel") ? "Задание останавливается." : "Задание снова в очереди.");
  } catch (problem) {
    complain(problem.message);
  }
}

function duration(seconds) {
  if (seconds < 90) return `${number(Math.round(seconds))} с`;
  if (seconds < 5400) return `${number(Math.round(seconds / 60))} мин`;
  return `${number(Math.round(seconds / 360) / 10)} ч`;
}
