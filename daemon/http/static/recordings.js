// The page of all recordings.

import "./tools.js";
import { ask, follow } from "./daemon.js";
import { Lightbox } from "./lightbox.js";
import { rooted, Shots } from "./shots.js";

const form = document.getElementById("filters");
const asked = new URLSearchParams(location.search);
const shots = new Shots(document.getElementById("recordings"), {
  query: () => queryOf().toString(),
  named: true,
  onOpen: (shot) => lightbox.open(shot),
});
const lightbox = new Lightbox(document.getElementById("lightbox"), shots, remember);
let linked = decodeURIComponent(location.hash.slice(1)); // camera/name

const page = {
  paths: () => ["api/v1/status", "api/v1/cameras"],

  async facts([{ model }, { cameras }]) {
    offer(form.elements.camera, cameras.map(({ name }) => name));
    offer(form.elements.label, model?.labels ?? []);
    await shots.refresh();
    if (linked) openLinked();
  },

  refused() {},
  silent() {},
  restarted() {},
};

// What the form asks for, in the daemon's words.
function queryOf() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (value === "") continue;
    query.set(name, ["from", "until"].includes(name) ? new Date(value).toISOString() : value);
  }
  return query;
}

// Choices once they are known; what the address asks for is chosen from the start.
function offer(select, names) {
  const known = [...select.options].map(({ value }) => value);
  const wanted = asked.get(select.name);
  for (const name of [...names, ...(wanted ? [wanted] : [])]) {
    if (!known.includes(name)) {
      select.add(new Option(name, name));
      known.push(name);
    }
  }
}

function chosen() {
  for (const field of form.elements) {
    const wanted = asked.get(field.name);
    if (!wanted) continue;
    if (field.tagName === "SELECT") offer(field, []);
    field.value = wanted;
  }
}

// The address names the filters and what is open, so that it can be shared.
function remember(shot) {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  const hash = shot ? `#${encodeURIComponent(shot.camera)}/${shot.name}` : "";
  const search = query.size ? `?${query}` : location.pathname;
  history.replaceState(null, "", search + hash);
}

// A link leads to one recording, however old: it and what was before it are asked for.
async function openLinked() {
  const [camera, name] = linked.split("/");
  linked = "";
  const known = shots.shots.find((shot) => shot.camera === camera && shot.name === name);
  if (known) return lightbox.open(known);
  const query = new URLSearchParams({ camera, limit: "1", before: `${name}.${camera}~` });
  const { recordings: [found] } = await ask(`api/v1/recordings?${query}`).catch(() => ({ recordings: [] }));
  if (found?.name === name) {
    rooted(found);
    return lightbox.open(found);
  }
  const empty = document.querySelector("#recordings .empty");
  empty.hidden = false;
  empty.textContent = "The recording of this link is not there any more.";
}

form.addEventListener("change", () => {
  remember(null);
  shots.anew();
});
form.addEventListener("reset", () => setTimeout(() => {
  asked.forEach((_, key) => asked.delete(key));
  remember(null);
  shots.anew();
}));
form.addEventListener("submit", (event) => event.preventDefault());
chosen();
follow(page);
