// The buttons in the header: those of the page's template, with pause and full screen.

import { root } from "./root.js";

const place = document.getElementById("tools");
const template = document.getElementById("tools-here");
if (template) place.append(template.content.cloneNode(true));

// Behind the page of a fleet: the way back to it.
const [, fleet] = root.pathname.match(/^(.*\/)fleet\/(?:at|node)\/[^/]+\/$/) ?? [];
if (fleet) {
  const link = document.createElement("a");
  link.href = fleet;
  link.textContent = "Fleet";
  document.querySelector(".bar nav").prepend(link);
}

for (const link of document.querySelectorAll(".bar nav a")) {
  if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
}

let paused = matchMedia("(prefers-reduced-motion: reduce)").matches;

export function isPaused() {
  return paused;
}

// `onChange` is called when pictures are to stand still, or to move again.
export function pausing(onChange) {
  const button = document.getElementById("pause");
  const show = () => button.setAttribute("aria-pressed", String(paused));
  button.addEventListener("click", () => {
    paused = !paused;
    show();
    onChange();
  });
  show();
}

// Shows `element` on the whole screen and back: the button, and the key F.
export function fullScreen(element) {
  const button = document.getElementById("full");
  const toggle = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else element.requestFullscreen().catch(() => {});
  };
  button.hidden = !document.fullscreenEnabled;
  button.addEventListener("click", toggle);
  element.addEventListener("fullscreenchange", () => {
    button.setAttribute("aria-pressed", String(document.fullscreenElement === element));
  });
  onKey("f", toggle);
}

// A key without others, while nobody writes.
export function onKey(key, act) {
  document.addEventListener("keydown", (event) => {
    if (event.key !== key || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, dialog")) return;
    if (act(event) !== false) event.preventDefault();
  });
}
