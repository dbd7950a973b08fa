// A browser opens six connections to one host for all its windows together. Were all of them
// streams, no question would come through and every window would call the daemon dead. So the
// windows tell each other that they are there, and share what may stay open.

const MAY_STAY_OPEN = 4; // the rest is for questions and snapshots
const TELL_MS = 1000;
const FORGET_MS = 2500;

const me = `${Date.now()}-${Math.random()}`; // sorts by age
const others = new Map(); // id → when it was last heard of
const channel = new BroadcastChannel("vedette");

// Tells when windows came or went. Making room must not wait for the next answer of the daemon:
// none can come while every connection is taken.
export const changed = new EventTarget();

function tell() {
  if (!document.hidden) channel.postMessage({ id: me, here: true });
}

channel.addEventListener("message", ({ data: { id, here } }) => {
  const known = others.has(id);
  if (here) others.set(id, performance.now());
  else others.delete(id);
  if (here === known) return;
  if (here) tell();
  changed.dispatchEvent(new Event("change"));
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) channel.postMessage({ id: me, here: false });
  else tell();
});
window.addEventListener("pagehide", () => channel.postMessage({ id: me, here: false }));
setInterval(tell, TELL_MS);
tell();

// Whether this window may listen to events, and how many cameras it may stream.
export function share() {
  for (const [id, heard] of others) {
    if (performance.now() - heard > FORGET_MS) others.delete(id);
  }
  if (document.hidden) return { events: false, streams: 0 };
  const windows = [...others.keys(), me].sort();
  const free = Math.max(0, MAY_STAY_OPEN - windows.length); // each listens to events
  const rest = windows.at(-1) === me ? free % windows.length : 0; // the newest is looked at
  return {
    events: windows.indexOf(me) < MAY_STAY_OPEN,
    streams: Math.floor(free / windows.length) + rest,
  };
}
