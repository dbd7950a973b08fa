// The page on which zones and lines of one camera are drawn.

import { ask, follow, send, setText } from "./daemon.js";
import { Drawing } from "./drawing.js";
import { PlaceForm } from "./placeform.js";
import { Places } from "./places.js";
import { apiOf, cameraHere } from "./root.js";
import "./tools.js";
import { toYaml } from "./yaml.js";

const name = cameraHere();
const path = `api/v1/cameras/${encodeURIComponent(name)}`;
const film = document.querySelector(".film");
const byId = (id) => document.getElementById(id);
let given = await first();
const places = new Places(given);
const drawing = new Drawing(byId("drawing"), places, show, hint);
const form = new PlaceForm(byId("place"), places, given.labels, () => drawing.changed(), () => {
  places.remove(places.chosen);
  form.renew();
  drawing.changed();
});

// A page that was loaded while the daemon went is built when it is back.
async function first() {
  for (;;) {
    const answer = await ask(`${path}/zones`).catch(({ message }) => showFault(`The daemon gives no zones: ${message}.`));
    if (answer) return answer;
    await new Promise((then) => setTimeout(then, 2000));
  }
}

function show() {
  form?.show();
  byId("places-none").hidden = places.list.length > 0;
  byId("places").replaceChildren(...places.list.map(line));
  const text = toYaml(places.config);
  setText(byId("yaml"), text || "# no zones, no lines");
  if (places.isChanged) byId("saved").hidden = true;
  showFault(places.fault);
  byId("undo").disabled = places.past.length === 0;
  byId("save").hidden = !given.editable;
  byId("save").disabled = !places.isChanged || places.fault !== "";
  byId("by-hand").hidden = given.editable;
}

function showFault(text) {
  byId("fault").hidden = text === "";
  setText(byId("fault"), text);
}

function hint(text) {
  byId("hint").hidden = text === "";
  setText(byId("hint"), text);
}

function line({ kind, name: called }, index) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = called || "(no name)";
  button.setAttribute("aria-pressed", String(index === places.chosen));
  button.addEventListener("click", () => {
    places.chosen = index;
    drawing.changed();
  });
  const words = document.createElement("span");
  words.className = "soft";
  words.textContent = kind;
  item.append(button, words);
  return item;
}

async function save() {
  byId("save").disabled = true;
  const changed = { ...places.config, based_on: given.based_on };
  const { fault } = await send("PUT", apiOf(name, "/zones"), changed, "nothing was saved");
  if (fault) {
    showFault(fault);
    byId("save").disabled = false;
    return;
  }
  given = await ask(`${path}/zones`);
  places.saved = places.text;
  show();
  byId("saved").hidden = false;
  setText(byId("saved"), "Saved: the daemon has it. The file before is beside it as .bak.");
}

async function showStill() {
  const response = await fetch(apiOf(name, "/snapshot.jpg?boxes=0&width=1280")).catch(() => null);
  byId("blank").hidden = response?.ok ?? false;
  if (!response?.ok) return;
  const bitmap = await createImageBitmap(await response.blob());
  film.width = bitmap.width;
  film.height = bitmap.height;
  film.getContext("2d").drawImage(bitmap, 0, 0);
  film.parentElement.dataset.shown = "";
  film.setAttribute("aria-label", `camera ${name}, a still picture`);
  byId("stage").style.setProperty("--aspect", `${bitmap.width / bitmap.height}`);
}

async function copy() {
  const text = byId("yaml").textContent;
  await navigator.clipboard.writeText(text).catch(() => {
    getSelection().selectAllChildren(byId("yaml"));
    document.execCommand("copy"); // without TLS there is no clipboard
  });
  setText(byId("copy"), "Copied");
  setTimeout(() => setText(byId("copy"), "Copy"), 2000);
}

for (const [id, kind] of [["add-zone", "zone"], ["add-line", "line"]]) {
  byId(id).addEventListener("click", ({ detail }) => drawing.begin(kind, detail > 0));
}
byId("copy").addEventListener("click", copy);
byId("save").addEventListener("click", save);
byId("undo").addEventListener("click", () => {
  places.undo();
  form.renew();
  drawing.changed();
});
window.addEventListener("beforeunload", (event) => places.isChanged && given.editable && event.preventDefault());
film.setAttribute("aria-label", `camera ${name}`);
showStill();
show();
follow({ paths: () => ["api/v1/status", "api/v1/cameras"], facts() {}, refused() {}, silent() {}, restarted() {} });
