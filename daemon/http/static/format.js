// Numbers and states in words.

const STATES = {
  connecting: "connecting",
  streaming: "streaming",
  tampered: "tampered with",
  stalled: "stalled",
  backoff: "no connection",
  disabled: "disabled",
  failed: "failed",
};

export function stateWord(state) {
  return STATES[state] ?? state;
}

// Why a camera shows nothing new, or "" while it does.
export function trouble(camera) {
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
    default:
      return `${stateWord(camera.state)}${why}`;
  }
}

export function streamWords(camera) {
  const { stream, reconnects } = camera;
  if (!stream) return "no stream yet";
  const words = [`${stream.codec} ${stream.width}×${stream.height}`, stream.transport, stream.decoder];
  if (reconnects > 0) words.push(`reconnects: ${number(reconnects)}`);
  return words.join(", ");
}

// What detect.fps leaves out is not lost: nobody asked for it.
export function lost(frames) {
  const all = Object.values(frames.dropped).reduce((sum, count) => sum + count, 0);
  return all - (frames.dropped.fps_cap ?? 0);
}

// "person ×2 91 %, car 83 %", best first.
export function objectWords(detections) {
  const labels = new Map();
  for (const { label, score } of detections) {
    const known = labels.get(label) ?? { count: 0, score: 0 };
    labels.set(label, { count: known.count + 1, score: Math.max(known.score, score) });
  }
  return [...labels]
    .map(([label, { count, score }]) => `${label}${count > 1 ? ` ×${count}` : ""} ${percent(score)}`)
    .join(", ");
}

export function number(value) {
  return Number(value).toLocaleString("en");
}

export function percent(score) {
  return `${Math.round(score * 100)}\u00a0%`; // never alone in the next line
}

export function rate(value) {
  return value === null ? "–" : value.toFixed(1);
}

export function milliseconds(value) {
  return value === null ? "–" : `${number(Math.round(value))} ms`;
}

export function timeOfDay(ns) {
  return new Date(ns / 1e6).toLocaleTimeString("en-GB");
}

// Today's by its time alone.
export function moment(ns) {
  const at = new Date(ns / 1e6);
  const time = at.toLocaleTimeString("en-GB");
  const isToday = at.toDateString() === new Date().toDateString();
  const day = at.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short" });
  return isToday ? time : `${day}, ${time}`;
}

export function bytes(count) {
  const step = count < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  return `${(count / step[1]).toFixed(1)} ${step[0]}`;
}

export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}
