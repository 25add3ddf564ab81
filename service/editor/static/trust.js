// Whether what is published unseen can be trusted: audited precision of each label, the model's age, a banner for both.

import { call } from "/page/api.js";
import { byId, element, number, percent, table } from "/page/dom.js";
import { HEADS } from "/page/words.js";

const BASELINE = "baseline";

function days(count) {
  const rule = new Intl.PluralRules("ru").select(count);
  return `${number(count)} ${{ one: "день", few: "дня" }[rule] ?? "дней"}`;
}

/** For «Числа»: `trust` of /numbers. */
export function trustFigures(trust) {
  const interval = (one) => `${percent(one.low)} – ${percent(one.high)}`;
  const rows = [...trust.audited].sort((a, b) => Number(b.held_back) - Number(a.held_back) || b.count - a.count);
  return [
    table("Возраст", ["Что", "Сколько"], [
      ["Самой новой статье, на которой училась модель", trust.age.days === null ? "–" : days(trust.age.days)],
      ["Последней правке редактора", trust.days_since_correction === null ? "–" : days(trust.days_since_correction)],
    ]),
    rows.length
      ? table(
          "Точность без просмотра, по слепым проверкам",
          ["Метка", "Верно", "Интервал", "Решение"],
          rows.map((one) => [
            `${HEADS[one.head]?.one ?? one.head} «${one.label}»`,
            `${number(one.right)} из ${number(one.count)}, ${percent(one.precision)}`,
            interval(one),
            one.held_back ? element("strong", { class: "wrong" }, `на просмотр: цель ${percent(one.target)}`) : `цель ${percent(one.target)}`,
          ]),
        )
      : element("p", { class: "note" }, "Слепых проверок этой модели ещё не было. Они ждут в очереди: «слепая проверка»."),
    element("p", { class: "hint" }, "Интервал верен при любом числе взглядов на него: с вероятностью 90 % настоящая точность в нём всё время. Когда весь он ниже цели, метку показывают редактору, пока не сменится модель или оператор не вернёт доверие."),
  ];
}

/** Above every section: an old model, labels that lost trust. A service that does not answer says so elsewhere. */
export async function showBanner() {
  const ready = await call("GET", "/health/ready").catch(() => null);
  const told = ready ? warnings(ready) : [];
  byId("banner").hidden = !told.length;
  byId("banner").replaceChildren(...told.map(([kind, text]) => element("p", { class: kind }, text)));
}

function warnings(ready) {
  const { age, held_back: held } = ready;
  const told = [];
  if (age?.too_old) {
    const old = `Самой новой статье, на которой училась модель, ${days(age.days)}, допустимо ${number(age.most)}. `;
    told.push(["note", old + (ready.model === BASELINE ? "Это модель из поставки: она старая с рождения. Пусть её обучат на вашем архиве." : "Новых людей и событий она не знает. Пусть её переобучат.")]);
  }
  if (held?.length)
    told.push(["note bad", `По слепым проверкам модель слишком часто ошибалась, без просмотра больше не публикуются: ${held.map((label) => `«${label}»`).join(", ")}.`]);
  return told;
}
