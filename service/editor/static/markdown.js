// As much of Markdown as a model's card is written in: headings, lists, tables, code; whatever else stays as it is.

import { element, table } from "/page/dom.js";

const LOWEST = 6; // of headings

/** Nodes of a text whose first heading stands `below` that of the page. */
export function markdown(text, below) {
  const made = [];
  const lines = text.split("\n");
  let heading = "";
  for (let i = 0; i < lines.length; ) {
    const line = lines[i];
    const title = /^(#+) (.*)/.exec(line);
    const start = i++;
    if (!line.trim()) continue;
    if (title) {
      heading = title[2];
      made.push(element(`h${Math.min(LOWEST, title[1].length + below)}`, {}, ...inline(heading)));
    } else if (line.startsWith("|")) {
      while (lines[i]?.startsWith("|")) i++;
      const [head, , ...rows] = lines.slice(start, i).map(cells);
      made.push(table(heading, head, rows));
    } else if (isItem(line)) {
      while (isItem(lines[i])) i++;
      made.push(list(lines.slice(start, i)));
    } else {
      while (lines[i]?.trim() && !isItem(lines[i]) && !/^[#|]/.test(lines[i])) i++;
      made.push(element("p", {}, ...inline(lines.slice(start, i).join(" "))));
    }
  }
  return made;
}

const isItem = (line) => /^ *- /.test(line ?? "");
const cells = (line) => line.replace(/^\||\|\s*$/g, "").split("|").map((cell) => cell.trim());

/** Items of two levels. */
function list(lines) {
  const outer = element("ul", {});
  for (const line of lines) {
    const item = element("li", {}, ...inline(line.replace(/^ *- /, "")));
    const last = outer.lastElementChild;
    if (!line.startsWith(" ") || !last) outer.append(item);
    else if (last.lastElementChild?.tagName === "UL") last.lastElementChild.append(item);
    else last.append(element("ul", {}, item));
  }
  return outer;
}

function inline(text) {
  return text
    .split("`")
    .map((piece, i) => (i % 2 ? element("code", {}, piece) : piece.replace(/\\([[\]*_|\\`])/g, "$1")));
}
