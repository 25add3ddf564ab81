// Which version answered on a day.

import { element, time } from "/page/dom.js";

/** A field for a day, and the answer; `events` are all changes of the model, oldest first. */
export function answeredOn(events) {
  const told = element("div", { id: "answered-on", "aria-live": "polite" });
  const input = element("input", { type: "date", id: "answered-day", max: isoDay(new Date()) });
  input.addEventListener("change", () => told.replaceChildren(...(input.value ? sentences(events, input.value) : [])));
  return element("div", { class: "answered" }, element("div", { class: "field" }, element("label", { for: "answered-day" }, "Что отвечало в этот день"), input), told);
}

function sentences(events, day) {
  const from = new Date(`${day}T00:00`);
  const to = new Date(from);
  to.setDate(to.getDate() + 1);
  if (from > new Date()) return [element("p", {}, "Этот день ещё не наступил.")];
  const spans = [{ version: events[0].previous ?? "модель из поставки", since: null, reason: "" }, ...events.map((one) => ({ version: one.version, since: new Date(one.at), reason: one.reason }))];
  const then = spans.map((one, i) => ({ ...one, until: spans[i + 1]?.since ?? null })).filter((one) => (one.since === null || one.since < to) && (one.until === null || one.until > from));
  return [
    element(
      "ul",
      {},
      then.map((one) => {
        const since = one.since ? `с ${time(one.since)}` : "";
        const until = one.until ? `до ${time(one.until)}` : "до сих пор";
        return element("li", {}, element("strong", {}, one.version), `: ${[since, until].filter(Boolean).join(" ")}${one.reason ? ` – ${one.reason}` : ""}`);
      }),
    ),
  ];
}

/** As the field wants it: the day here. */
const isoDay = (date) => `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
