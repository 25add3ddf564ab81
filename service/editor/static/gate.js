// How a challenger compared with the model that was in use when it was trained.

import { decimal, element, number, table } from "/page/dom.js";

export const VERDICTS = { accepted: "сравнение прошла", refused: "сравнение не прошла", not_compared: "не сравнивалась" };

const OTHERS = "all other labels";
const named = (one) => (one.label === OTHERS ? "все остальные метки вместе" : one.label);

/** The verdict in a sentence. */
export function verdict(gate) {
  if (gate.verdict === "not_compared") return `Не сравнивалась с ${gate.against}: не нашлось статей, на которых не училась ни одна из двух.`;
  const on = `на статьях, которых не видела ни одна: ${number(gate.judges)}`;
  if (gate.verdict === "accepted") return `Сравнение с ${gate.against} прошла: ни одна метка не стала заметно хуже, ${on}.`;
  const fell = gate.labels.filter((one) => one.fell).map((one) => `${named(one)} (${decimal(one.before)} → ${decimal(one.after)})`);
  return `Сравнение с ${gate.against} не прошла, ${on}. Стало хуже: ${fell.join(", ")}.`;
}

export function gateDetails(gate) {
  const change = (one) => `${one.after > one.before ? "+" : ""}${decimal(one.after - one.before)}`;
  return [
    element("p", { class: gate.verdict === "refused" ? "note bad" : "note" }, verdict(gate)),
    gate.notes.length > 0 && element("ul", {}, gate.notes.map((note) => element("li", {}, `${note}.`))),
    gate.labels.length > 0 &&
      table(
        `По меткам: F1 у ${gate.against} и у этой`,
        ["Метка", "Вывод", "Разница", "Было", "Стало", "Статей"],
        gate.labels.map((one) => [named(one), one.fell ? element("strong", { class: "wrong" }, "хуже") : "не хуже", change(one), decimal(one.before), decimal(one.after), number(one.support)]),
      ),
    gate.contradictions > 0 && element("p", {}, `Решений, которые противоречат друг другу или архиву: ${number(gate.contradictions)}. Они перечислены в таблице рядом с итогом сравнения, на машине сервиса.`),
    element("p", { class: "hint" }, `Статей с правками редакторов, на которых училась: ${number(gate.corrections)}. «Хуже» – когда потеря больше 0,02 F1 и это не случайность.`),
  ].filter(Boolean);
}
