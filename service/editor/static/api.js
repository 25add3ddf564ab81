// The same addresses that a CMS calls. A problem of the service becomes an error with words for an editor.

const TRIES = 3; // of a call that the service was too busy for

const IN_WORDS = {
  busy: "Сервис занят: сейчас слишком много запросов. Попробуйте ещё раз через несколько секунд.",
  "store-away":
    "Хранилище решений недоступно, правка не сохранена. Попробуйте ещё раз через минуту: дважды она не запишется. Сохранять статью в CMS это не мешает.",
  erased: "Эта статья удалена из сервиса: о ней больше ничего не хранится, правки к ней не принимаются.",
  gone: "Этот ответ уже не хранится. Вставьте текст статьи и разметьте её снова.",
  "foreign-page": "Отсюда сохранять нельзя: откройте страницу по адресу самого сервиса.",
};

export class Problem extends Error {
  /** `pointers`: which fields of the body it is about. */
  constructor(kind, status, message, pointers = []) {
    super(message);
    this.kind = kind;
    this.status = status;
    this.pointers = pointers;
  }
}

/** The answer as data. Raises Problem. With `{key}` the call can be repeated, it is done once; with `{version}` it is
 * done only if the vocabulary still has that version. */
export async function call(method, path, body, { key, version } = {}) {
  for (let attempt = 1; ; attempt++) {
    const answer = await sent(method, path, body, key, version);
    const told = await data(answer);
    if (answer.ok) return told;
    const problem = problemOf(answer, told);
    if (problem.kind !== "busy" || attempt === TRIES) throw problem;
    await new Promise((done) => setTimeout(done, 1000 * (Number(answer.headers.get("Retry-After")) || 1)));
  }
}

async function sent(method, path, body, key, version) {
  const headers = { "Accept-Language": "ru" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  if (version) headers["If-Match"] = `"${version}"`;
  try {
    return await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Problem("offline", 0, "Сервис не отвечает. Проверьте сеть и повторите: дважды ничего не запишется.");
  }
}

async function data(answer) {
  try {
    return JSON.parse(await answer.text());
  } catch {
    return null;
  }
}

function problemOf(answer, told) {
  const kind = String(told?.type ?? "").split(":").pop() || "failed";
  const places = (told?.errors ?? []).map((each) => each.detail).filter((detail) => detail !== told.detail);
  const words = [told?.title, told?.detail, ...places].filter(Boolean).join(". ");
  const pointers = (told?.errors ?? []).map((each) => each.pointer);
  return new Problem(kind, answer.status, IN_WORDS[kind] ?? (words || `Сервис ответил ${answer.status}.`), pointers);
}

/** 128 random bits; randomUUID is not there on a page without https. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

let known = null;

/** All labels, by head, and tags that are `gone`; null while they can't be had. */
export async function vocabulary() {
  known ??= await call("GET", "/vocabulary").then(
    (all) => ({ rubric: all.rubrics, regions: all.regions, tags: all.tags.filter((one) => one.status === "active"), gone: all.tags.filter((one) => one.status !== "active"), version: all.version }),
    () => null,
  );
  return known;
}

export const forgetVocabulary = () => (known = null);
