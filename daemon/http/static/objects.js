// The list of what is in the picture of one camera, a swatch of its colour beside each.

import { setText } from "./daemon.js";
import { swatch } from "./elements.js";
import { percent } from "./format.js";

const LEAST_MS = 500; // between two changes
const MOST = 12;
const LEAST_ROWS = 3;
const KEEP_MS = 60000; // the room that there was, so that what is below does not jump

const SILENT = {
  finished: "The file is over.",
  paused: "Nothing is looked at while detection is paused.",
  "turned off": "Nothing is looked at: the camera is turned off.",
};

let changedAt = -Infinity;
let shown = "";
let rows = LEAST_ROWS;
let rowsAt = -Infinity;

// `sight` is null where there is no picture to speak of; `word` then says why.
export function showObjects(sight, word = "") {
  if (sight && performance.now() - changedAt < LEAST_MS) return;
  changedAt = performance.now();
  const found = sight?.detections ?? [];
  const lines = found.slice(0, MOST).map(({ label, score, track }) => (
    [label, track === undefined ? "" : String(track), percent(score)]
  ));
  const nothing = document.getElementById("nothing");
  nothing.hidden = found.length > 0 && found.length <= MOST;
  setText(nothing, empty(sight, word, found.length));
  keepRoom(lines.length + (found.length > MOST ? 1 : 0));
  if (JSON.stringify(lines) === shown) return;
  shown = JSON.stringify(lines);
  document.getElementById("objects").replaceChildren(...lines.map(line));
}

function keepRoom(wanted) {
  if (wanted < rows && performance.now() - rowsAt < KEEP_MS) return;
  rows = Math.max(LEAST_ROWS, wanted);
  rowsAt = performance.now();
  document.querySelector(".room").style.setProperty("--rows", rows);
}

function empty(sight, word, count) {
  if (count > MOST) return `and ${count - MOST} more`;
  if (sight) return "No objects at the moment.";
  return SILENT[word] ?? "No answer: nothing is known of what is there.";
}

function line([label, track, score]) {
  const item = document.createElement("li");
  const name = document.createElement("span");
  name.textContent = track ? `${label} ${track}` : label;
  const sure = document.createElement("span");
  sure.className = "soft";
  sure.textContent = score;
  item.append(swatch(label), name, sure);
  return item;
}
