// Days of /numbers/days as points of a chart: every day or every week of a stretch, those without answers too.

const DAY = 24 * 3600 * 1000; // ms
const short = new Intl.DateTimeFormat("ru", { day: "numeric", month: "short", timeZone: "UTC" });

const iso = (moment) => new Date(moment).toISOString().slice(0, 10);
const monday = (moment) => moment - ((new Date(moment).getUTCDay() + 6) % 7) * DAY;

/** From the first day that has something until today; `weeks` begin on Mondays. */
export function periods(days, weeks) {
  if (!days.length) return [];
  const begin = (day) => (weeks ? monday(Date.parse(day)) : Date.parse(day));
  const made = new Map();
  for (let at = begin(days[0].day); at <= Date.now(); at += weeks ? 7 * DAY : DAY) made.set(iso(at), empty(at, weeks));
  for (const day of days) {
    const into = made.get(iso(begin(day.day)));
    if (into) add(into, day);
  }
  return [...made.values()];
}

const empty = (at, weeks) => ({
  label: weeks ? `неделя с ${short.format(at)}` : short.format(at),
  versions: [], articles: 0, abstained: 0, auto: 0, words: 0, unknown: 0, reasons: {}, rubrics: {}, precision: null,
});

function add(into, day) {
  for (const name of ["articles", "abstained", "auto", "words", "unknown"]) into[name] += day[name];
  for (const name of ["reasons", "rubrics"]) into[name] = sum([into[name], day[name]]);
  into.versions = [...new Set([...into.versions, ...day.versions])];
  into.precision = day.precision ?? into.precision; // it is of all audits so far
}

/** Counts by label, added up. */
export function sum(all) {
  const made = {};
  for (const counts of all) for (const [label, count] of Object.entries(counts)) made[label] = (made[label] ?? 0) + count;
  return made;
}

/** Which versions answered for the first time in a period; nothing for the first one. */
export function newVersions(all) {
  const known = new Set();
  return all.map((one) => {
    const fresh = one.versions.filter((version) => !known.has(version));
    const first = !known.size;
    fresh.forEach((version) => known.add(version));
    return first || !fresh.length ? undefined : fresh.join(", ");
  });
}
