// Articles of a file that the editor opens: one object, a list, or one on each line.

const isRecord = (one) => one !== null && typeof one === "object" && !Array.isArray(one);

export function records(text) {
  try {
    const whole = JSON.parse(text);
    const list = (Array.isArray(whole) ? whole : [whole]).filter(isRecord);
    return { list, bad: (Array.isArray(whole) ? whole.length : 1) - list.length };
  } catch {
    const lines = text.split("\n").filter((line) => line.trim());
    const list = lines.map(parsed).filter(isRecord);
    return { list, bad: lines.length - list.length };
  }
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
