// Small pieces of all pages.

import { colourOf } from "./colours.js";

// A spot of a label's colour.
export function swatch(label) {
  const spot = document.createElement("span");
  spot.className = "swatch";
  spot.style.setProperty("--colour", colourOf(label));
  return spot;
}

// Fills a <dl> with rows of term, fact and, where given, a longer text to point at.
export function fill(list, rows) {
  list.replaceChildren(...rows.map(([name, value, title]) => {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    const fact = document.createElement("dd");
    term.textContent = name;
    fact.textContent = value;
    if (title) row.title = title;
    row.append(term, fact);
    return row;
  }));
}

// Fills a <tbody>; the first cell of a row is its heading.
export function fillTable(body, rows) {
  body.replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells.map((text, column) => {
      const cell = document.createElement(column === 0 ? "th" : "td");
      if (column === 0) cell.scope = "row";
      cell.textContent = text;
      return cell;
    }));
    return row;
  }));
}
