"use strict";

// A browser opens six connections to one host: four may stream, two stay for facts and snapshots.
const STREAMS = 4;
const REFRESH_MS = 1000;
const PATIENCE_MS = 3000; // silence after which the daemon counts as dead
const WORDS = {
  connecting: "connecting",
  streaming: "streaming",
  stalled: "stalled",
  backoff: "no connection",
  disabled: "disabled",
  failed: "failed",
};

const tiles = new Map(); // camera name → what is shown of it
const grid = document.getElementById("cameras");
const alarm = document.getElementById("alarm");
const health = document.getElementById("health");
let answeredAt = performance.now();

const onScreen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    for (const tile of tiles.values()) {
      if (tile.element === entry.target) tile.onScreen = entry.isIntersecting;
    }
  }
});

async function ask(path) {
  const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return response.json();
}

async function refresh() {
  try {
    const [status, list] = await Promise.all([ask("/api/v1/status"), ask("/api/v1/cameras")]);
    const wasDead = document.body.dataset.daemon === "dead";
    answeredAt = performance.now();
    if (wasDead) for (const tile of tiles.values()) show(tile, null);
    showDaemon(status);
    showCameras(list.cameras);
  } catch {
    if (performance.now() - answeredAt > PATIENCE_MS) showDeath();
  }
  setTimeout(refresh, REFRESH_MS);
}

function showDaemon(status) {
  const state = status.stuck ? "stuck" : status.ready ? "ready" : "starting";
  const missing = Object.keys(status.readiness).filter((name) => !status.readiness[name]);
  document.body.dataset.daemon = state;
  health.textContent = state === "starting" ? `not ready: ${missing.join(", ")}` : state;
  alarm.hidden = state !== "stuck";
  alarm.textContent = `The daemon is stuck: ${status.stuck}`;
  const frames = status.frames;
  figures(document.getElementById("totals"), [
    ["up", duration(status.uptime_s)],
    ["model", status.model ? `${status.model.name} (${status.model.precision})` : "–"],
    ["frames answered", number(frames.inferred)],
    ["frames lost", number(lost(frames)), reasons(frames)],
  ]);
}

function showDeath() {
  document.body.dataset.daemon = "dead";
  health.textContent = "no answer";
  alarm.hidden = false;
  alarm.textContent =
    `The daemon has not answered for ${duration((performance.now() - answeredAt) / 1000)}.` +
    " What you see below is old.";
  for (const tile of tiles.values()) tile.badge.textContent = "unknown";
}

function showCameras(cameras) {
  const names = new Set(cameras.map((camera) => camera.name));
  for (const [name, tile] of tiles) {
    if (!names.has(name)) {
      show(tile, null);
      onScreen.unobserve(tile.element);
      tile.element.remove();
      tiles.delete(name);
    }
  }
  let streams = STREAMS;
  for (const camera of cameras) {
    const tile = tiles.get(camera.name) ?? addTile(camera.name);
    showFacts(tile, camera);
    const wanted = tile.onScreen && !document.hidden && camera.picture !== null;
    if (wanted && camera.state === "streaming" && streams > 0) {
      streams -= 1;
      show(tile, `/live/${camera.name}.mjpg`);
    } else if (wanted && (tile.image.complete || tile.streaming)) {
      show(tile, `/api/v1/cameras/${camera.name}/snapshot.jpg?width=640&at=${camera.picture.captured_ns}`);
    } else if (!wanted) {
      show(tile, null);
    }
  }
}

function addTile(name) {
  const element = document.getElementById("tile").content.firstElementChild.cloneNode(true);
  const tile = {
    element,
    image: element.querySelector("img"),
    veil: element.querySelector(".veil"),
    badge: element.querySelector(".badge"),
    figures: element.querySelector(".figures"),
    stream: element.querySelector(".stream"),
    source: null,
    streaming: false,
    onScreen: true,
  };
  element.querySelector("h2").textContent = name;
  tile.image.alt = `picture of ${name}`;
  tile.image.addEventListener("error", () => show(tile, null)); // the next refresh tries again
  tiles.set(name, tile);
  grid.append(element);
  onScreen.observe(element);
  return tile;
}

function show(tile, source) {
  if (tile.source === source) return;
  tile.source = source;
  tile.streaming = source !== null && source.startsWith("/live/");
  tile.image.hidden = source === null;
  if (source === null) tile.image.removeAttribute("src");
  else tile.image.src = source;
}

function showFacts(tile, camera) {
  tile.element.dataset.state = camera.state;
  tile.badge.textContent = WORDS[camera.state] ?? camera.state;
  const veil = trouble(camera);
  tile.veil.hidden = veil === "";
  tile.veil.textContent = veil;
  const picture = camera.picture;
  figures(tile.figures, [
    ["fps in", rate(camera.fps.captured)],
    ["fps answered", `${rate(camera.fps.inferred)} of ${rate(camera.fps.target)}`],
    ["latency", picture ? `${number(Math.round(picture.latency_ms))} ms` : "–"],
    ["objects", picture ? number(picture.objects) : "–"],
    ["lost", number(lost(camera.frames)), reasons(camera.frames)],
  ]);
  const stream = camera.stream;
  const kind = stream
    ? [`${stream.codec} ${stream.width}×${stream.height}`, stream.transport, stream.decoder]
    : ["no stream yet"];
  if (camera.reconnects > 0) kind.push(`reconnects: ${number(camera.reconnects)}`);
  tile.stream.textContent = kind.join(", ");
}

function trouble(camera) {
  const why = camera.reason ? ` (${camera.reason})` : "";
  const age = camera.last_frame_age_s;
  switch (camera.state) {
    case "streaming": {
      const pictureAge = camera.picture?.age_s ?? null;
      if (pictureAge === null) return "waiting for the first answer";
      const late = pictureAge > Math.max(3, 5 / camera.fps.target);
      return late ? `no answer for ${duration(pictureAge)}` : "";
    }
    case "stalled":
      return `stalled: no frame for ${age === null ? "long" : duration(age)}`;
    case "backoff":
      return `no connection${why} for ${duration(camera.in_state_s)}`;
    case "connecting":
      return "connecting";
    case "disabled":
      return "disabled";
    default:
      return `${camera.state}${why}`;
  }
}

// What detect.fps leaves out is not lost: nobody asked for it.
function lost(frames) {
  const all = Object.values(frames.dropped).reduce((sum, count) => sum + count, 0);
  return all - (frames.dropped.fps_cap ?? 0);
}

function reasons(frames) {
  return Object.entries(frames.dropped).map(([reason, count]) => `${reason}: ${count}`).join("\n");
}

function figures(list, rows) {
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

function number(value) {
  return Number(value).toLocaleString("en");
}

function rate(value) {
  return value === null ? "–" : value.toFixed(1);
}

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

refresh();
