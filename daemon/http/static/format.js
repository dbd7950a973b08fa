// Numbers and times in words.

// What detect.fps and the gate leave out is not lost: nobody asked for it.
export function lost(frames) {
  const all = Object.values(frames.dropped).reduce((sum, count) => sum + count, 0);
  return all - (frames.dropped.fps_cap ?? 0) - (frames.dropped.gated ?? 0);
}

// "person ×2 91 %, car 83 %", best first.
export function objectWords(detections) {
  const labels = new Map();
  for (const { label, score } of detections) {
    const known = labels.get(label) ?? { count: 0, score: 0 };
    labels.set(label, { count: known.count + 1, score: Math.max(known.score, score) });
  }
  return [...labels]
    .map(([label, { count, score }]) => `${several(label, count)} ${percent(score)}`)
    .join(", ");
}

// "person", "person ×2"
export function several(label, count) {
  return count > 1 ? `${label} ×${count}` : label;
}

// [label, how many of it], in the order in which they were found.
export function labelsOf(detections) {
  const counts = new Map();
  for (const { label } of detections) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts];
}

// "person 42 entered driveway", or '' for what is no news.
export function eventWords({ event, phase, label, track, zone, line, direction, duration_s: lasted }) {
  const who = `${label} ${track}`;
  const phases = {
    new: `${who} came`,
    end: `${who} went, after ${duration(lasted)}`,
    entered: `${who} entered ${zone}`,
    left: `${who} left ${zone}, after ${duration(lasted)}`,
    loitering: `${who} loiters in ${zone}, for ${duration(lasted)}`,
    crossed: `${who} crossed ${line}: ${direction}`,
    update: "",
  };
  return phases[phase] ?? `${who}: ${event} ${phase}`;
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
  const isOld = at.getFullYear() !== new Date().getFullYear();
  const day = at.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", ...(isOld && { year: "numeric" }) });
  return isToday ? time : `${day}, ${time}`;
}

export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)}\u00a0s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)}\u00a0min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)}\u00a0h`;
  return `${Math.round(seconds / 86400)}\u00a0days`;
}
