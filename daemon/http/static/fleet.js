// The page of many servers: asks once a second how they are. A hidden page asks nothing.

import "./tools.js";
import { ask, setText } from "./daemon.js";
import { fill, fillTable } from "./elements.js";
import { moment, number, timeOfDay } from "./format.js";
import { at, pageOf } from "./root.js";

const ASK_MS = 1000;
const SILENCE_MS = 3000;
const MOST_CHIPS = 120; // of one server; the others are found by their name
const MOST_MOVEMENTS = 20;
const MOST_ALIKE = 3; // alarms of a kind, each by itself

const STATES = { // word, tone
  up: ["up", "good"],
  draining: ["draining", "poor"],
  drained: ["drained", "off"],
  lost: ["lost", "bad"],
};
const CAUSES = {
  start: "first placed",
  lost: "its server was lost",
  drain: "drained",
  overload: "too much load",
  rebalance: "rebalanced",
  capacity: "room",
  removed: "removed",
};

const find = document.getElementById("find");
const alarm = document.getElementById("alarm");
const health = document.getElementById("health");
let answeredAt = performance.now();
let newest = null;

find.addEventListener("input", () => newest && showCameras(newest));
document.addEventListener("visibilitychange", () => { answeredAt = performance.now(); });
setInterval(() => {
  if (document.hidden || performance.now() - answeredAt < SILENCE_MS) return;
  say("dead", "no answer", "The fleet's address does not answer. What you see below is old.");
}, 250);
turn();

async function turn() {
  try {
    if (!document.hidden) show(await ask("api/v1/fleet"));
  } catch {
    // Said once it lasts.
  } finally {
    setTimeout(turn, ASK_MS);
  }
}

function show(fleet) {
  answeredAt = performance.now();
  newest = fleet;
  const wanted = fleet.nodes.filter(({ state }) => state !== "drained");
  const up = wanted.filter(({ state }) => state !== "lost").length;
  const parked = fleet.cameras.filter(({ placement }) => placement === "parked").length;
  const whole = up === wanted.length && parked === 0;
  if (fleet.director_since_ns === null) {
    say("dead", "no Director", "The Director does not answer. Servers go on as they are; nothing is moved meanwhile.");
  } else {
    say(whole ? "ready" : "partly", `${up} of ${wanted.length} servers up`, "");
  }
  document.title = whole ? "fleet – vedette" : `(${wanted.length - up + parked}) fleet – vedette`;
  document.getElementById("none").hidden = fleet.nodes.length > 0;
  showAlarms(fleet.alarms.filter(({ kind }) => kind !== "no_director"));
  showNodes(fleet.nodes);
  showCameras(fleet);
  showMovements(fleet.movements);
  fill(document.getElementById("totals"), totals(fleet));
}

function say(state, words, warning) {
  document.body.dataset.daemon = state;
  setText(health, words);
  setText(alarm, warning);
  alarm.hidden = warning === "";
}

// Many of a kind are told as one.
function gathered(alarms) {
  const kinds = grouped(alarms, ({ kind }) => kind);
  return [...kinds.values()].flatMap((alike) => {
    if (alike.length <= MOST_ALIKE) return alike;
    const [first] = alike;
    const others = alike.slice(1, MOST_ALIKE + 1).map(({ subject }) => subject).join(", ");
    const more = alike.length - 1 - MOST_ALIKE;
    const text = `${first.text.replace(/\.$/, "")}. The same of ${others}${more > 0 ? ` and ${number(more)} more` : ""}.`;
    return [{ ...first, text }];
  });
}

function showAlarms(all) {
  const alarms = gathered(all);
  const list = document.getElementById("alarms");
  const key = JSON.stringify(alarms);
  if (list.dataset.key === key) return; // a screen reader would read them again
  list.dataset.key = key;
  list.replaceChildren(...alarms.map(({ severity, text, since_ns: since }) => {
    const line = document.createElement("li");
    const time = document.createElement("time");
    line.dataset.severity = severity;
    time.textContent = ` since ${moment(since)}`;
    line.append(text, time);
    return line;
  }));
}

function showNodes(nodes) {
  const place = document.getElementById("nodes");
  const known = new Map([...place.children].map((card) => [card.dataset.node, card]));
  const names = new Set(nodes.map(({ name }) => name));
  for (const [name, card] of known) if (!names.has(name)) card.remove();
  for (const node of nodes) showNode(known.get(node.name) ?? added(place, node.name), node);
}

function added(place, name) {
  const card = document.getElementById("node").content.firstElementChild.cloneNode(true);
  card.dataset.node = name;
  const link = card.querySelector("h3 a");
  link.textContent = name;
  link.href = at(`fleet/node/${encodeURIComponent(name)}/`);
  place.append(card);
  return card;
}

function showNode(card, node) {
  const [word, tone] = STATES[node.state] ?? [node.state, "off"];
  card.dataset.tone = tone;
  setText(card.querySelector(".badge"), word);
  const why = card.querySelector(".why");
  const since = node.state === "up" ? "" : `since ${timeOfDay(node.since_ns)}`;
  setText(why, [node.reason, since].filter(Boolean).join(", "));
  why.hidden = why.textContent === "";
  const [decoding, detector] = card.querySelectorAll(".loads dd");
  showLoad(decoding, node.decode_cores_used, node.decode_cores, "cores");
  showLoad(detector, node.pictures_per_s_used, node.pictures_per_s, "fps");
}

function showLoad(row, used, most, unit) {
  const share = most > 0 ? used / most : 0;
  const bar = row.querySelector(".load");
  bar.style.setProperty("--share", `${Math.min(100, share * 100).toFixed(1)}%`);
  bar.dataset.full = share > 1 ? "over" : share > 0.85 ? "nearly" : "";
  bar.setAttribute("aria-label", `${Math.round(share * 100)} % used`);
  setText(row.querySelector(".figures"), `${used.toFixed(1)} of ${most.toFixed(1)} ${unit}`);
}

function showCameras({ nodes, cameras }) {
  const wanted = find.value.trim().toLowerCase();
  const shown = cameras.filter(({ name }) => name.includes(wanted));
  const names = new Set(nodes.map(({ name }) => name));
  const of = grouped(shown, ({ node }) => (names.has(node) ? node : null));
  const all = grouped(cameras, ({ node }) => node);
  for (const card of document.getElementById("nodes").children) {
    const { node } = card.dataset;
    const here = of.get(node) ?? [];
    showChips(card.querySelector(".chips"), here);
    const rest = card.querySelector(".rest");
    const count = (all.get(node) ?? []).length;
    setText(rest, restWords(count, here.length, wanted));
    rest.hidden = rest.textContent === "";
  }
  const homeless = of.get(null) ?? [];
  const place = document.getElementById("homeless");
  place.hidden = homeless.length === 0;
  showChips(place.querySelector(".chips"), homeless);
}

function grouped(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(item);
  }
  return groups;
}

function restWords(count, here, wanted) {
  if (count === 0) return "no camera";
  if (here > MOST_CHIPS) return `and ${number(here - MOST_CHIPS)} more: find them by name`;
  return wanted && here === 0 ? `none of its ${number(count)} cameras` : "";
}

function showChips(list, cameras) {
  const first = cameras.slice(0, MOST_CHIPS);
  const key = JSON.stringify(first.map(({ name, placement, fps }) => [name, placement, fps]));
  if (list.dataset.key === key) return; // somebody may be about to click
  list.dataset.key = key;
  list.replaceChildren(...first.map((camera) => {
    const line = document.createElement("li");
    const link = document.createElement("a");
    link.href = pageOf(camera.name);
    link.dataset.placement = camera.placement;
    link.title = titleOf(camera);
    link.append(camera.name);
    if (camera.placement !== "running") {
      const note = document.createElement("small");
      note.textContent = camera.placement === "reduced" ? `${camera.fps} fps` : camera.placement;
      link.append(" ", note);
    }
    line.append(link);
    return line;
  }));
}

function titleOf({ placement, fps, fps_wanted: wanted, priority, reason, grant }) {
  const words = [`${placement}${reason ? `: ${reason}` : ""}`, `${fps} of ${wanted} fps`, `priority ${priority}`];
  if (grant !== null) words.push(`grant ${grant}`);
  return words.join(", ");
}

function showMovements(movements) {
  document.getElementById("movements-none").hidden = movements.length > 0;
  fillTable(document.getElementById("movements"), movements.slice(0, MOST_MOVEMENTS).map((move) => [
    move.camera,
    moment(move.at_ns),
    move.source ?? "–",
    move.target ?? "–",
    CAUSES[move.cause] ?? move.cause,
    move.gap_s === null ? "–" : `${move.gap_s.toFixed(1)} s`,
  ]));
}

function totals({ version, director_since_ns: since, cameras, gateways, moves }) {
  const rows = [
    ["version", version],
    ["Director since", since === null ? "–" : moment(since)],
    ["cameras", number(cameras.length)],
  ];
  for (const { name, up } of gateways) rows.push([`gateway ${name}`, up ? "up" : "does not answer"]);
  for (const [cause, count] of Object.entries(moves)) rows.push([`moved: ${CAUSES[cause] ?? cause}`, number(count)]);
  return rows;
}
