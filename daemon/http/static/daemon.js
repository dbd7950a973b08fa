// Asks the daemon once a second, and notices when it does not answer. A hidden page asks nothing.

import { duration } from "./format.js";
import { at } from "./root.js";
import { isUp, isWanted } from "./states.js";

const ASK_MS = 1000;
const SILENCE_MS = 2500; // without an answer the daemon counts as dead; checked below
const CHECK_MS = 250;
const GIVE_UP_MS = 10000; // on one question
const { title } = document; // of the page, while nothing is wrong

// The daemon answered, but not with what was asked for.
export class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

// `path` counts from the daemon's root.
export async function ask(path) {
  const response = await fetch(at(path), { cache: "no-store", signal: AbortSignal.timeout(GIVE_UP_MS) });
  if (response.ok) return response.json();
  const detail = await response.json().then((body) => body.error.detail, () => "");
  throw new Refusal(response.status, detail || `HTTP ${response.status}`);
}

// Changes something: what was answered, and what is wrong, '' where nothing is. `otherwise` is what
// then came of it.
export async function send(method, address, body, otherwise) {
  const response = await fetch(address, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => null);
  const answer = await response?.json().catch(() => null);
  const fault = response?.ok ? "" : answer?.error?.detail || `The daemon does not answer: ${otherwise}.`;
  return { answer, fault };
}

// `page` has `paths()` to ask for, in this order, the daemon's status first; `facts(answers)`,
// `refused(refusal)`, `silent()` while the daemon does not answer, and `restarted()`, which comes
// before the first facts after a silence or a restart of the daemon.
export function follow(page) {
  let answeredAt = performance.now();
  let silent = false;
  let uptime = 0;

  async function once() {
    const answers = [];
    for (const path of page.paths()) answers.push(await ask(path));
    return answers;
  }

  async function turn() {
    if (document.hidden) return;
    let answers = null;
    let refusal = null;
    try {
      answers = await once();
    } catch (error) {
      if (!(error instanceof Refusal)) return;
      refusal = error;
    }
    answeredAt = performance.now();
    if (silent) page.restarted();
    silent = false;
    if (refusal?.status >= 502) return; // a proxy speaks for a daemon that is gone
    if (refusal) {
      alarm(`The daemon refuses: ${refusal.message}.`);
      page.refused(refusal);
      return;
    }
    const [status, more] = answers;
    if (status.uptime_s < uptime) page.restarted();
    uptime = status.uptime_s;
    showHealth(status, more?.cameras);
    page.facts(answers);
  }

  async function loop() {
    try {
      await turn();
    } finally {
      setTimeout(loop, ASK_MS);
    }
  }

  document.addEventListener("visibilitychange", () => {
    answeredAt = performance.now(); // nobody asked while the page was hidden
  });
  setInterval(() => {
    const silence = performance.now() - answeredAt;
    if (document.hidden || silence < SILENCE_MS) return;
    silent = true;
    showSilence(silence / 1000);
    page.silent();
  }, CHECK_MS);
  loop();
}

const MISSING = {
  model_warm: "the model is loading",
  sinks_bound: "the sinks are not bound",
  capture_started: "the cameras are not started",
  not_draining: "it is stopping",
};

// Without `cameras` the states that the daemon counted have to do.
function showHealth(status, cameras) {
  const state = status.stuck ? "stuck" : status.ready ? "ready" : "starting";
  const missing = Object.keys(status.readiness).filter((name) => !status.readiness[name]);
  const [up, wanted] = counted(status, cameras);
  document.body.dataset.daemon = state === "ready" && up < wanted ? "partly" : state;
  const words = {
    stuck: "stuck",
    starting: `not ready: ${missing.map((name) => MISSING[name] ?? name).join(", ")}`,
    ready: wanted === 0 ? "ready" : `${up} of ${wanted} up`,
  };
  setText(document.getElementById("health"), words[state]);
  if (cameras) entitle(up < wanted ? `(${wanted - up} down) ${title}` : title);
  alarm(status.stuck ? `The daemon is stuck: ${status.stuck}.` : unsent(status.sinks));
}

// A sink that cannot send. Detections go on.
function unsent(sinks) {
  const failing = sinks.find((sink) => sink.failing);
  return failing ? `${failing.name} sends nothing: ${failing.failing}.` : "";
}

function counted({ cameras: states }, cameras) {
  if (cameras) {
    const wanted = cameras.filter(isWanted);
    return [wanted.filter(isUp).length, wanted.length];
  }
  const up = (states.streaming ?? 0) + (states.tampered ?? 0);
  const all = Object.values(states).reduce((sum, count) => sum + count, 0);
  return [up, all - (states.disabled ?? 0) - (states.finished ?? 0)];
}

function showSilence(seconds) {
  document.body.dataset.daemon = "dead";
  entitle(title === "vedette" ? "no answer – vedette" : `no answer – ${title}`);
  setText(document.getElementById("health"), "no answer");
  // In steps, so that a screen reader is not interrupted every moment.
  const words = seconds < 10 ? "does not answer" : `has not answered for ${duration(Math.floor(seconds / 10) * 10)}`;
  alarm(`The daemon ${words}. What you see below is old. Is the service running? Its log says more.`);
}

function alarm(text) {
  const element = document.getElementById("alarm");
  element.hidden = text === "";
  setText(element, text);
}

function entitle(words) {
  if (document.title !== words) document.title = words;
}

// Text that did not change is left alone: screen readers would read it again.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
