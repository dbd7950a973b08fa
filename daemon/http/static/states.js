// How a camera is, in words: a badge, what lies over its picture, and what to do.

import { duration, timeOfDay } from "./format.js";

const LATE_S = 3; // an answer that is older, and older than five periods, is none

const WORDS = {
  connecting: ["connecting", "busy"],
  streaming: ["live", "good"],
  tampered: ["look at it", "poor"],
  stalled: ["stalled", "poor"],
  backoff: ["no connection", "bad"],
  disabled: ["turned off", "off"],
  failed: ["failed", "bad"],
  finished: ["finished", "off"],
};

// Counted: whether it should be up, and whether it is.
export function isWanted({ state }) {
  return state !== "disabled" && state !== "finished";
}

export function isUp({ state }) {
  return state === "streaming" || state === "tampered";
}

// { word, tone, head, what, since, advice }: `head` is '' while nothing covers the picture.
export function spoken(camera) {
  const [word, tone] = WORDS[camera.state] ?? [camera.state, "off"];
  const said = { word, tone, head: "", what: "", since: "", advice: camera.trouble?.advice ?? "" };
  if (camera.state === "finished") return { ...said, head: "Finished", what: `${camera.address} was played to its end.` };
  if (camera.state === "streaming") return { ...said, ...streaming(camera) };
  if (camera.state === "tampered") return { ...said, what: camera.trouble?.what ?? "" };
  if (camera.paused) return { ...said, word: "paused", tone: "off", head: "Detection is paused", what: "Its stream is closed until somebody resumes it." };
  if (camera.state === "disabled") return { ...said, head: "Turned off", what: "enabled: false in the configuration." };
  if (camera.trouble === null) return { ...said, ...beginning(camera) };
  return {
    ...said,
    ...(camera.state === "connecting" ? trying(camera) : {}),
    head: camera.trouble.what,
    since: [since(camera), next(camera)].filter(Boolean).join(", "),
  };
}

// A camera whose first keyframe has not come is there.
function trying({ reason }) {
  return reason === "no_keyframe" ? { word: "waiting", tone: "poor" } : { word: "no connection", tone: "bad" };
}

function streaming({ picture, fps }) {
  if (picture === null) return { word: "starting", tone: "busy", head: "Waiting for the first answer" };
  if (picture.age_s <= Math.max(LATE_S, 5 / fps.target)) return {};
  return {
    word: "no answer",
    tone: "poor",
    head: "No answer from the detector",
    since: `last picture ${timeOfDay(picture.captured_ns)}, ${duration(picture.age_s)} ago`,
  };
}

function beginning({ address, blind_s: blind }) {
  const long = blind !== null && blind > 10;
  return { head: `Connecting to ${address}`, since: long ? `no picture yet, for ${duration(blind)}` : "" };
}

function since({ last_frame_ns: last, blind_s: blind }) {
  if (last !== null) return `no picture since ${timeOfDay(last)}`;
  return blind === null ? "" : `no picture yet, for ${duration(blind)}`;
}

function next({ state, reason, retry_s: wait, in_state_s: waited }) {
  if (reason === "no_keyframe" && state === "connecting") return `waiting for ${duration(waited)}`;
  if (state === "connecting") return "trying now";
  if (state !== "backoff" || wait === null) return "";
  return `next try in ${duration(Math.max(1, wait - waited))}`;
}

// One line of figures; a dead camera has none.
export function brief(camera) {
  const { picture, fps } = camera;
  const { word } = spoken(camera);
  if (["finished", "turned off", "paused"].includes(word)) return "";
  if (!isUp(camera) || picture === null || word === "no answer") return "no\u00a0answer";
  const objects = picture.objects === 1 ? "1 object" : `${picture.objects || "no"} objects`;
  const rate = fps.inferred === null ? [] : [`${fps.inferred.toFixed(1)} fps`];
  // Only between facts may it break: what finds no room is left out whole.
  return [objects, ...rate, `${Math.round(picture.latency_ms)} ms`].join(" · ").replaceAll(" ", "\u00a0").replaceAll("\u00a0·", " ·");
}
