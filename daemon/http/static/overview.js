// The page of all cameras.

import { follow, setText } from "./daemon.js";
import { fill } from "./elements.js";
import { Events } from "./listener.js";
import { duration, lost, number } from "./format.js";
import { at } from "./root.js";
import { Seen } from "./seen.js";
import { LiveStream } from "./stream.js";
import { fullScreen, isPaused, pausing } from "./tools.js";
import { Wall } from "./wall.js";
import { changed, share } from "./windows.js";

const seen = new Seen(document.getElementById("seen"), { links: true });
const events = new Events(at("api/v1/events"), {
  detection: (message) => seen.add(message),
  event: (message) => seen.happened(message),
  count: (message) => wall.tiles.get(message.camera)?.picture.count(message),
});
const stream = new LiveStream((sight, jpeg) => wall.tiles.get(sight.camera)?.picture.show(sight, jpeg));
const wall = new Wall(document.getElementById("cameras"), () => showPictures());

const page = {
  paths: () => ["api/v1/status", "api/v1/cameras"],

  facts([status, { cameras }]) {
    document.getElementById("none").hidden = cameras.length > 0;
    if (cameras.length === 0) wall.root.dataset.placed = "";
    showTotals(status);
    wall.tell(cameras);
    showPictures(true);
  },

  refused() {},

  silent() {
    for (const tile of wall.tiles.values()) tile.forsake();
    fill(document.getElementById("totals"), []);
  },

  restarted() {
    stream.close();
    events.close();
  },
};

// All that is on the screen, over one connection; a window that has none asks once a second.
function showPictures(isTurn = false) {
  const { events: mayListen, streams } = share();
  events.keep(mayListen);
  const tiles = wall.onScreen.filter(({ camera }) => camera && camera.picture !== null);
  const names = tiles.map(({ name }) => name);
  const width = Math.min(1920, Math.ceil(wall.widest / 160) * 160);
  const streaming = streams > 0 && !isPaused();
  stream.keep(streaming ? names : [], width);
  if (streaming || !isTurn || document.hidden) return;
  const glanced = isPaused() ? tiles.filter(({ picture }) => picture.sight === null) : tiles;
  stream.glance(glanced.map(({ name }) => name), width);
}

function showTotals({ frames, model, uptime_s: uptime, version }) {
  fill(document.getElementById("totals"), [
    ["version", version],
    ["up for", duration(uptime)],
    ["model", model ? `${model.name} (${model.precision})` : "–"],
    ["frames answered", number(frames.inferred)],
    ["frames lost", number(lost(frames))],
    ...Object.entries(frames.dropped).map(([reason, count]) => [`… ${reason}`, number(count)]),
  ]);
}

changed.addEventListener("change", () => showPictures());
pausing(() => showPictures());
fullScreen(wall.root);
setText(document.getElementById("health"), "connecting");
follow(page);
