// The page of what happened.

import { follow } from "./daemon.js";
import { Filters, local } from "./filters.js";
import { Lightbox } from "./lightbox.js";
import { Events } from "./listener.js";
import { Lives } from "./lives.js";
import { at } from "./root.js";
import { Strips } from "./strips.js";
import "./tools.js";
import { changed, share } from "./windows.js";

const filters = new Filters(document.getElementById("filters"), () => {
  filters.remember();
  lives.anew();
});
const lives = new Lives(document.getElementById("lives"), {
  query: () => filters.query.toString(),
  onOpen: (shot) => lightbox.open(shot),
});
const lightbox = new Lightbox(document.getElementById("lightbox"), lives, () => {});
const strips = new Strips(document.getElementById("strips"), { onPick: pick });
let linked = decodeURIComponent(location.hash.slice(1)); // the id of an event
const events = new Events(at("api/v1/events"), { event: () => lives.soon() });

const page = {
  paths: () => ["api/v1/status", "api/v1/cameras"],

  async facts([{ model }, { cameras }]) {
    filters.offer("camera", cameras.map(({ name }) => name));
    filters.offer("label", model?.labels ?? []);
    filters.offer("zone", cameras.flatMap(({ zones, lines }) => [...Object.keys(zones), ...Object.keys(lines)]));
    listen();
    await Promise.all([lives.refresh(), strips.refresh()]);
    if (linked) showLinked();
    document.querySelector(".strips .empty").hidden = strips.root.dataset.count !== "0";
  },

  refused() {},
  silent() {},

  restarted() {
    events.close();
  },
};

function listen() {
  events.keep(share().events);
}

// A link leads to one event, with what happened around it.
async function showLinked() {
  const id = linked;
  linked = "";
  if (await lives.point(id)) return;
  const empty = document.querySelector("#lives .empty");
  empty.hidden = false;
  empty.textContent = "The event of this link is not there any more.";
}

// What was there around a time that was pointed at.
function pick(camera, from, until) {
  filters.set({ camera, from: local(from), until: local(until) });
}

document.getElementById("day").value = local(new Date()).slice(0, 10);
document.getElementById("day").addEventListener("change", ({ target }) => {
  strips.show(target.value ? `${target.value}T00:00` : null);
});
changed.addEventListener("change", listen);
follow(page);
