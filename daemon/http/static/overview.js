// The page of all cameras.

import { follow, setText } from "./daemon.js";
import { fill } from "./elements.js";
import { Events } from "./events.js";
import { duration, lost, milliseconds, number, rate, stateWord, streamWords } from "./format.js";
import { Picture } from "./picture.js";
import { Seen } from "./seen.js";
import { changed, share } from "./windows.js";

const SNAPSHOT_WIDTH = 640;

const grid = document.getElementById("cameras");
const tiles = new Map(); // camera name → its tile
const seen = new Seen(document.getElementById("seen"), { links: true });
const events = new Events("/api/v1/events", (message) => seen.add(message));

const onScreen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const tile = tiles.get(target.dataset.camera);
    if (tile) tile.picture.onScreen = isIntersecting;
  }
});

const page = {
  paths: () => ["/api/v1/status", "/api/v1/cameras"],

  facts([status, { cameras }]) {
    showTotals(status, cameras);
    dropTiles(new Set(cameras.map((camera) => camera.name)));
    for (const camera of cameras) showFacts(tiles.get(camera.name) ?? addTile(camera.name), camera);
    showPictures();
  },

  refused() {},

  restarted() {
    for (const { picture } of tiles.values()) picture.clear();
    events.close();
  },
};

// The first cameras stream, as many as may; the others show snapshots.
function showPictures() {
  const { events: mayListen, streams } = share();
  events.keep(mayListen);
  let left = streams;
  for (const { camera, picture } of tiles.values()) {
    if (picture.update(camera, left > 0)) left -= 1;
  }
}

function showTotals(status, cameras) {
  const wanted = cameras.filter(({ state }) => state !== "disabled");
  const up = wanted.filter(({ state }) => ["streaming", "tampered"].includes(state));
  const { frames, model } = status;
  const down = wanted.length - up.length;
  document.title = down ? `(${down} down) vedette` : "vedette";
  fill(document.getElementById("totals"), [
    ["cameras", `${number(up.length)} of ${number(wanted.length)} up`],
    ["model", model ? `${model.name} (${model.precision})` : "–"],
    ["frames answered", number(frames.inferred)],
    ["frames lost", number(lost(frames)), reasons(frames)],
    ["up for", duration(status.uptime_s)],
  ]);
}

function dropTiles(names) {
  for (const [name, { element, picture }] of tiles) {
    if (names.has(name)) continue;
    picture.clear();
    onScreen.unobserve(element);
    element.remove();
    tiles.delete(name);
  }
}

function addTile(name) {
  const element = document.getElementById("tile").content.firstElementChild.cloneNode(true);
  const link = element.querySelector("h2 a");
  link.href = `/camera/${name}`;
  link.textContent = name;
  element.dataset.camera = name;
  const tile = {
    element,
    picture: new Picture(name, element.querySelector(".picture"), SNAPSHOT_WIDTH),
    badge: element.querySelector(".badge"),
    figures: element.querySelector(".figures"),
    stream: element.querySelector(".stream"),
  };
  tiles.set(name, tile);
  grid.append(element);
  onScreen.observe(element);
  return tile;
}

function showFacts(tile, camera) {
  const { fps, picture, frames } = camera;
  tile.camera = camera;
  tile.element.dataset.state = camera.state;
  setText(tile.badge, stateWord(camera.state));
  setText(tile.stream, streamWords(camera));
  fill(tile.figures, [
    ["fps in", rate(fps.captured)],
    ["fps answered", `${rate(fps.inferred)} of ${rate(fps.target)}`],
    ["latency", milliseconds(picture ? picture.latency_ms : null)],
    ["objects", picture ? number(picture.objects) : "–"],
    ["lost", number(lost(frames)), reasons(frames)],
  ]);
}

function reasons(frames) {
  return Object.entries(frames.dropped).map(([reason, count]) => `${reason}: ${count}`).join("\n");
}

changed.addEventListener("change", showPictures);
follow(page);
