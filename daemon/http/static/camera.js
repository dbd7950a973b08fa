// The page of one camera.

import { follow, setText } from "./daemon.js";
import { DetectButton } from "./detect.js";
import { Diagnostics } from "./diagnostics.js";
import { Events } from "./listener.js";
import { timeOfDay } from "./format.js";
import { showObjects } from "./objects.js";
import { Picture } from "./picture.js";
import { apiOf, at, cameraHere, pageOf } from "./root.js";
import { Seen } from "./seen.js";
import { Shots } from "./shots.js";
import { brief, spoken } from "./states.js";
import { LiveStream } from "./stream.js";
import { Strips } from "./strips.js";
import { fullScreen, isPaused, onKey, pausing } from "./tools.js";
import { changed, share } from "./windows.js";
import { Zoom } from "./zoom.js";

const name = cameraHere();
const stage = document.getElementById("stage");
const frame = stage.querySelector(".picture");
const picture = new Picture(name, frame);
const stream = new LiveStream((sight, jpeg) => {
  picture.show(sight, jpeg);
  showObjects(sight);
});
const seen = new Seen(document.getElementById("seen"), { links: false });
const events = new Events(at(`api/v1/events?camera=${encodeURIComponent(name)}`), {
  detection: (message) => seen.add(message),
  event: (message) => seen.happened(message),
  count: (message) => picture.count(message),
});
const recordings = document.getElementById("recordings");
const shots = new Shots(recordings, { query: () => `camera=${encodeURIComponent(name)}`, page: 6, most: 6 });
const strips = new Strips(document.getElementById("strips"), { only: name });
const diagnostics = new Diagnostics(document.getElementById("diagnostics"), name);
const inside = document.getElementById("diagnostics");
inside.addEventListener("toggle", () => {
  picture.marks.parts = inside.open;
  picture.mark();
});
const zoom = new Zoom(frame, (view) => {
  picture.view = view;
  frame.style.setProperty("--zoom", `translate(${view.x}px, ${view.y}px) scale(${view.scale})`);
  picture.mark();
});
const detect = new DetectButton(document.getElementById("detect"), name, (fault) => {
  refusal = fault;
  if (camera) advise(spoken(camera));
});
let camera = null;
let refusal = ""; // why detection was not switched

const page = {
  paths: () => ["api/v1/status", "api/v1/cameras"],

  facts([, { cameras }]) {
    camera = cameras.find((one) => one.name === name) ?? null;
    if (camera === null) return gone();
    const said = spoken(camera);
    document.title = `${name} – ${said.word} – vedette`;
    document.body.dataset.tone = said.tone;
    setText(document.getElementById("state"), said.word);
    setText(document.getElementById("brief"), brief(camera));
    shape(camera);
    picture.tell(said, camera);
    detect.tell(camera);
    advise(said);
    if (said.word !== "live") showObjects(null, said.word);
    showPicture(true);
    neighbours(cameras.map((one) => one.name));
    diagnostics.tell(camera);
    shots.refresh();
    strips.refresh();
  },

  refused() {},

  silent() {
    document.body.dataset.tone = "off";
    setText(document.getElementById("state"), "unknown");
    setText(document.getElementById("brief"), "");
    showObjects(null, "unknown");
    diagnostics.forget();
    const last = picture.sight?.captured_ns;
    picture.tell({ head: "The daemon does not answer", what: "", since: last ? `last picture ${timeOfDay(last)}` : "" });
  },

  restarted() {
    stream.close();
    events.close();
  },
};

function gone() {
  document.body.dataset.tone = "off";
  setText(document.getElementById("state"), "removed");
  picture.tell({ head: "No camera of this name is configured any more", what: "", since: "" });
  stream.close();
}

function shape({ picture: shown, stream: known }) {
  const [width, height] = shown?.size ?? [known?.width ?? 16, known?.height ?? 9];
  stage.style.setProperty("--aspect", `${width / height}`);
}

function showPicture(isTurn = false) {
  const { events: mayListen, streams } = share();
  events.keep(mayListen);
  const names = camera?.picture ? [name] : [];
  const pixels = frame.clientWidth * Math.min(2, window.devicePixelRatio || 1) * zoom.view.scale;
  const width = Math.min(1920, Math.max(160, Math.ceil(pixels / 160) * 160));
  const streaming = streams > 0 && !isPaused();
  stream.keep(streaming ? names : [], width);
  if (streaming || !isTurn || document.hidden || (isPaused() && picture.sight)) return;
  stream.glance(names, width);
}

// What is wrong is said over the picture; what to do about it, below.
function advise({ what, advice }) {
  const element = document.getElementById("advice");
  element.hidden = advice === "" && refusal === "";
  setText(element, [refusal, what, advice].filter(Boolean).join(" "));
}

function neighbours(names) {
  const here = names.indexOf(name);
  for (const [id, other] of [["before", names[here - 1]], ["after", names[here + 1]]]) {
    const link = document.getElementById(id);
    link.hidden = other === undefined;
    if (other !== undefined) {
      link.href = pageOf(other);
      link.title = other;
    }
  }
}

function go(id) {
  const link = document.getElementById(id);
  if (link.hidden) return false;
  link.click();
  return true;
}

const boxes = document.getElementById("boxes");
function toggleBoxes() {
  picture.marks.boxes = !picture.marks.boxes;
  boxes.setAttribute("aria-pressed", String(picture.marks.boxes));
  picture.mark();
}

document.getElementById("nearer").addEventListener("click", () => zoom.by(1.5));
document.getElementById("farther").addEventListener("click", () => zoom.by(1 / 1.5));
boxes.addEventListener("click", toggleBoxes);
onKey("b", toggleBoxes);
onKey("ArrowLeft", () => go("before"));
onKey("ArrowRight", () => go("after"));
document.getElementById("save").href = apiOf(name, "/snapshot.jpg");
document.getElementById("zones").href = `${pageOf(name)}/zones`;
document.getElementById("save").download = `${name}.jpg`;
document.getElementById("all-events").href = at(`events?camera=${encodeURIComponent(name)}`);
document.getElementById("all-recordings").href = at(`recordings?camera=${encodeURIComponent(name)}`);
changed.addEventListener("change", () => showPicture());
pausing(() => showPicture());
fullScreen(stage);
follow(page);
