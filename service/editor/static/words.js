// What the service's own words are called here.

export const HEADS = {
  rubric: { one: "Рубрика", of: "рубрики", add: "Другая рубрика" },
  regions: { one: "Регион", many: "Регионы", add: "Добавить регион" },
  tags: { one: "Тег", many: "Теги", add: "Добавить тег" },
};

export const DECISIONS = { auto: "можно публиковать", review: "посмотрите", abstain: "не предлагается" };

export const ROLES = { happened: "место события", about: "о нём статья", mentioned: "упомянут" };

export const LEVELS = { country: "страна", subject: "регион", city: "город", district: "район", place: "место" };

export const ORIGINS = { history: "выбрано редактором", lexical: "по названию в тексте", rule: "по правилу" };

export const REASONS = {
  empty: "текста нет",
  too_short: "текст слишком короткий",
  not_russian: "текст не на русском",
  not_news: "не похоже на новость",
  advertisement: "похоже на рекламу",
  truncated: "текст обрывается",
  low_confidence: "ни одна рубрика не достаточно вероятна",
  not_calibrated_for_source: "модель не сверена с этим изданием, поэтому всё – на просмотр",
  degraded: "хранилище решений недоступно: прежние решения редакторов могут быть не учтены, сохранить правку сейчас нельзя",
};

export const WARNINGS = {
  held_back: "по слепым проверкам модель здесь слишком часто ошибалась, поэтому метка – на просмотр",
  audit_not_counted: "в точность не засчитано: статья не выбрана для проверки, или её уже проверили",
  no_id: "без номера статьи решения не запомнятся",
  source_missing: "не указано издание",
  source_unknown: "модель не знает такого издания",
  profile_not_available: "у модели нет такого профиля",
  timed_out: "ответ неполный: не хватило времени",
};

export const warning = (one) =>
  WARNINGS[one.code] ??
  `поле ${one.pointer.slice(1)} не читается${one.did_you_mean ? `; возможно, имелось в виду ${one.did_you_mean}` : ""}`;

export const POLICIES = {
  review_only: "чувствительная метка: только после просмотра",
  never_suggest: "эту метку сервис не предлагает никогда",
};

/** What an editor may choose for a tag. */
export const RULES = {
  normal: "предлагать как обычно",
  review_only: "только после просмотра",
  never_suggest: "никогда не предлагать",
};
