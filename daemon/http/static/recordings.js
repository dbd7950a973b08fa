// The page of all recordings.

import "./tools.js";
import { ask, follow } from "./daemon.js";
import { Filters } from "./filters.js";
import { Lightbox } from "./lightbox.js";
import { rooted, Shots } from "./shots.js";

const filters = new Filters(document.getElementById("filters"), () => {
  remember(null);
  shots.anew();
});
const shots = new Shots(document.getElementById("recordings"), {
  query: () => filters.query.toString(),
  named: true,
  onOpen: (shot) => lightbox.open(shot),
});
const lightbox = new Lightbox(document.getElementById("lightbox"), shots, remember);
let linked = ""; // camera/name

const page = {
  paths: () => ["api/v1/status", "api/v1/cameras"],

  async facts([{ model }, { cameras }]) {
    filters.offer("camera", cameras.map(({ name }) => name));
    filters.offer("label", model?.labels ?? []);
    await shots.refresh();
    if (linked) openLinked();
  },

  refused() {},
  silent() {},
  restarted() {},
};

function readLink() {
  linked = decodeURIComponent(location.hash.slice(1));
}

// The address names the filters and what is open, so that it can be shared.
function remember(shot) {
  filters.remember(shot ? `#${encodeURIComponent(shot.camera)}/${shot.name}` : "");
}

// A link leads to one recording, however old: it and what was before it are asked for.
async function openLinked() {
  const [camera, name] = linked.split("/");
  linked = "";
  const known = shots.shots.find((shot) => shot.camera === camera && shot.name === name);
  if (known) return lightbox.open(known, { isStep: false });
  const query = new URLSearchParams({ camera, limit: "1", before: `${name}.${camera}~` });
  const { recordings: [found] } = await ask(`api/v1/recordings?${query}`).catch(() => ({ recordings: [] }));
  if (found?.name === name) {
    rooted(found);
    return lightbox.open(found, { isStep: false });
  }
  const empty = document.querySelector("#recordings .empty");
  empty.hidden = false;
  empty.textContent = "The recording of this link is not there any more.";
}

readLink();
window.addEventListener("popstate", readLink); // back, and forward again
follow(page);
