// «Модели»: the versions that are here, and which one answered when.

import { call } from "/page/api.js";
import { answeredOn } from "/page/answered_on.js";
import { byId, element, table, time } from "/page/dom.js";
import { versionCard } from "/page/version.js";

const HERE = ["localhost", "127.0.0.1", "[::1]"];

export async function showModels() {
  const [versions, events] = await Promise.all([call("GET", "/models"), call("GET", "/activations")]);
  const mayChange = HERE.includes(location.hostname);
  byId("versions").replaceChildren(
    ...(mayChange ? [] : [element("p", { class: "note" }, "Менять модель можно только с машины самого сервиса.")]),
    ...(versions.length < 2 ? [element("p", { class: "note" }, "Других версий здесь нет: обучите модель на своём архиве, и её можно будет включить отсюда.")] : []),
    ...versions.map((one) => versionCard(one, versions, mayChange, showModels)),
    element("h2", {}, "Когда какая отвечала"),
    ...(events.length
      ? [answeredOn(events), table("Смены модели", ["Когда", "Версия", "Почему", "Кто"], [...events].reverse().map((one) => [time(one.at), one.version, one.reason || "–", one.actor || "–"]))]
      : [element("p", { class: "note" }, "Модель ещё не меняли: отвечает та, что пришла с сервисом.")]),
  );
}
