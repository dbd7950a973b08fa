// The page of one camera.

import { draw } from "./chart.js";
import { ask, follow, setText } from "./daemon.js";
import { fill, fillTable } from "./elements.js";
import { Events } from "./events.js";
import { duration, lost, milliseconds, number, percent, rate, stateWord } from "./format.js";
import { Picture } from "./picture.js";
import { Recordings } from "./recordings.js";
import { Seen } from "./seen.js";
import { changed, share } from "./windows.js";

const SNAPSHOT_WIDTH = 960;
const HISTORY_MS = 5000; // the daemon's own step
const OBJECTS_MS = 500; // between two changes of the table
const FATES = {
  fps_cap: "left out: detect.fps asks for fewer",
  overwritten: "a newer frame came first",
  stale: "too old when its turn came",
  corrupt: "damaged on the way",
  preprocess_error: "could not be scaled",
  infer_error: "the detector failed",
  shutdown: "the daemon was stopping",
};

const name = decodeURIComponent(location.pathname.split("/").at(-1));
const path = `/api/v1/cameras/${encodeURIComponent(name)}`;
const main = document.querySelector("main");
const picture = new Picture(name, document.querySelector(".picture"), SNAPSHOT_WIDTH);
const seen = new Seen(document.getElementById("seen"), { links: false });
const recordings = new Recordings(document.getElementById("recordings"), `${path}/recordings`);
const listening = `/api/v1/events?camera=${encodeURIComponent(name)}`;
const events = new Events(listening, hear);
let newest = null;
let historyAt = -Infinity;
let objectsAt = -Infinity;

const page = {
  paths: () => ["/api/v1/status", path],

  facts([, camera]) {
    document.title = `${name} – ${stateWord(camera.state)} – vedette`;
    main.dataset.state = camera.state;
    setText(document.getElementById("state"), stateWord(camera.state));
    newest = camera;
    showPicture();
    showFigures(camera);
    showStream(camera);
    showFrames(camera.frames);
    showObjects(camera.detections ?? []);
    refreshHistory();
    recordings.refresh();
  },

  refused(refusal) {
    if (refusal.status !== 404) return;
    delete main.dataset.state;
    setText(document.getElementById("state"), "unknown camera");
    newest = null;
    picture.clear();
    events.close();
  },

  restarted() {
    picture.clear();
    events.close();
    historyAt = -Infinity;
  },
};

function showPicture() {
  if (newest === null) return;
  const { events: mayListen, streams } = share();
  events.keep(mayListen);
  picture.update(newest, streams > 0);
}

function hear(message) {
  seen.add(message);
  showObjects(message.detections);
}

function showFigures({ fps, picture: shown, frames }) {
  fill(document.getElementById("figures"), [
    ["fps in", rate(fps.captured)],
    ["fps answered", `${rate(fps.inferred)} of ${rate(fps.target)}`],
    ["latency", milliseconds(shown ? shown.latency_ms : null)],
    ["objects", shown ? number(shown.objects) : "–"],
    ["lost", number(lost(frames))],
  ]);
}

function showStream(camera) {
  const { stream } = camera;
  const age = camera.last_frame_age_s;
  const rows = [
    ["state", `${stateWord(camera.state)} for ${duration(camera.in_state_s)}`],
    ["last frame", age === null ? "none yet" : `${duration(age)} ago`],
    ["reconnects", number(camera.reconnects)],
  ];
  if (camera.reason) rows.splice(1, 0, ["reason", camera.reason]);
  if (camera.retry_s !== null) rows.push(["next try after", `${camera.retry_s.toFixed(1)} s`]);
  if (stream) {
    rows.push(
      ["picture", `${stream.width} × ${stream.height}`],
      ["codec", stream.codec],
      ["announced", stream.fps === null ? "no rate" : `${rate(stream.fps)} fps`],
      ["transport", stream.transport],
      ["decoder", stream.decoder],
    );
  }
  fill(document.getElementById("stream"), rows);
}

function showFrames({ captured, inferred, dropped, in_flight: inFlight, balanced }) {
  const share = (count) => [number(count), captured ? percent(count / captured) : "–"];
  fillTable(document.getElementById("frames"), [
    ["captured", number(captured), ""],
    ["answered", ...share(inferred)],
    ...Object.entries(dropped).map(([reason, count]) => [
      FATES[reason] ? `${reason}: ${FATES[reason]}` : reason, ...share(count),
    ]),
    ["in flight", number(inFlight), ""],
  ]);
  const verdict = balanced ? "The books balance." : "The books do not balance.";
  setText(document.getElementById("balance"), verdict);
}

function showObjects(detections) {
  if (performance.now() - objectsAt < OBJECTS_MS) return;
  objectsAt = performance.now();
  document.getElementById("nothing").hidden = detections.length > 0;
  fillTable(
    document.getElementById("objects"),
    detections.map(({ label, score, box }) => [
      label, percent(score), box.map((side) => Math.round(side)).join(", "),
    ]),
  );
}

async function refreshHistory() {
  if (performance.now() - historyAt < HISTORY_MS) return;
  historyAt = performance.now();
  const past = await ask(`${path}/history`).catch(() => null); // the next turn tells why
  if (past === null) return;
  const fps = "frames per second in and answered";
  draw("fps", [past.captured_fps, past.inferred_fps], { name: fps, words: rate, least: 1 });
  draw("latency", [past.latency_ms], { name: "latency", words: milliseconds, least: 10 });
  draw("lost", [past.lost_fps], { name: "frames lost per second", words: rate, least: 1 });
}

setText(document.getElementById("name"), name);
for (const [id, target] of Object.entries({
  "link-facts": path,
  "link-history": `${path}/history`,
  "link-recordings": `${path}/recordings`,
  "link-events": listening,
  "link-snapshot": `${path}/snapshot.jpg`,
  "link-stream": `/live/${encodeURIComponent(name)}.mjpg`,
})) document.getElementById(id).href = target;
changed.addEventListener("change", showPicture);
follow(page);
