// How names are compared while one types.

export const folded = (text) => text.toLowerCase().replaceAll("ё", "е").trim().replace(/\s+/g, " ");

/** How well a name fits what was typed, folded: 0 is the whole of it, Infinity not at all. */
export function rank(name, typed) {
  const own = folded(name);
  if (own === typed) return 0;
  if (own.startsWith(typed)) return 1;
  if (own.includes(` ${typed}`)) return 2;
  return own.includes(typed) ? 3 : Infinity;
}
