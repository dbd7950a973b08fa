// Subscribe to vedette from Node: npm install zeromq, then
//
//     node node_subscriber.mjs tcp://127.0.0.1:5556 [CAMERA]
//
// Give two endpoints with a comma between them for the two gateways of a fleet: everything comes
// twice then, is told once, and one of them is enough.

import { Subscriber } from "zeromq";

const socket = new Subscriber({ receiveTimeout: 3000 });
// For IPv6: ipv6: true. For CURVE: { curveServerKey, curvePublicKey, curveSecretKey, receiveTimeout: 3000 }
for (const endpoint of (process.argv[2] ?? "tcp://127.0.0.1:5556").split(",")) socket.connect(endpoint);
const only = process.argv[3]; // one camera, or all of them
const kinds = ["det.", "event.", "status."];
// With the closing dot: det.cam1 would also match det.cam10.
socket.subscribe(...kinds.map((kind) => (only ? `${kind}${only}.` : kind)), "hb.");

// Numbers belong to a key: "node camera messages" or "node camera events".
const epochs = new Map(); // of each node
const ended = new Set(); // epochs of earlier starts
const beats = new Map(); // when the newest heartbeat of each node was sent
const announced = new Map(); // the numbers that the last heartbeat of a node named, after its first
const done = new Map(); // up to here it is known what became of each
const came = new Map(); // those beyond that came
const grants = new Map(); // the newest of each camera; only a fleet has any

function forget(isGone) {
  for (const key of [...done.keys()]) {
    const [node, camera] = key.split(" ");
    if (isGone(node, camera)) {
      done.delete(key);
      came.delete(key);
    }
  }
}

// Whether this node still speaks for the camera.
function isCurrent({ camera, node, grant = 0 }) {
  const newest = grants.get(camera) ?? 0;
  if (grant > newest) { // it has moved: what was due of its old node is moot
    grants.set(camera, grant);
    forget((known, of) => of === camera && known !== node);
  }
  return grant >= newest;
}

// Whether it comes for the first time.
function isNews(key, number) {
  if (!done.has(key)) done.set(key, number - 1); // what was before us is no loss
  if (!came.has(key)) came.set(key, new Set());
  if (came.get(key).has(number) || number <= done.get(key)) return false;
  came.get(key).add(number);
  return true;
}

// Say how many are missing, now that all up to `number` should have come.
function account(key, number) {
  const known = [...(came.get(key) ?? [])];
  const before = done.get(key) ?? number;
  const lost = number - before - known.filter((one) => one <= number).length;
  if (lost > 0) {
    const [node, camera, what] = key.split(" ");
    console.log(`lost ${lost} ${what} of ${camera} of ${node}`);
  }
  done.set(key, Math.max(number, before));
  came.set(key, new Set(known.filter((one) => one > number)));
}

function takeHeartbeat({ node, cameras, published_ns: sent }) {
  if (sent <= (beats.get(node) ?? 0)) return;
  beats.set(node, sent);
  for (const [key, number] of announced.get(node) ?? []) account(key, number);
  // The first one may be an old one that greets us; what it names proves nothing.
  // It names every camera: what was not subscribed to cannot be lost.
  const named = Object.entries(cameras).filter(([camera]) => !only || camera === only);
  const due = announced.has(node) ? named : [];
  announced.set(node, due.flatMap(([camera, beat]) => [
    [`${node} ${camera} messages`, beat.seq],
    [`${node} ${camera} events`, beat.event_seq],
  ]));
}

function take(topic, message) {
  const { node, camera, epoch } = message;
  if (ended.has(epoch)) return;
  if (epoch !== epochs.get(node)) { // the daemon was started anew: this is no loss
    if (epochs.has(node)) ended.add(epochs.get(node));
    epochs.set(node, epoch);
    announced.delete(node);
    beats.delete(node);
    forget((known) => known === node);
  }
  if (topic.startsWith("hb.")) {
    takeHeartbeat(message);
  } else if (!isCurrent(message)) {
    return;
  } else if (topic.startsWith("status.")) {
    console.log(camera, "is", message.state, message.reason);
  } else if (topic.startsWith("event.")) {
    if (!isNews(`${node} ${camera} events`, message.event_seq)) return;
    console.log(camera, message.label, message.track, message.phase, message.zone ?? message.line ?? "");
  } else if (isNews(`${node} ${camera} messages`, message.seq)) {
    const found = message.detections.map((d) => `${d.label} ${d.score.toFixed(2)}`);
    const answer = message.status === "ok" ? found.join(", ") || "nothing" : `no answer: ${message.error}`;
    console.log(camera, message.seq, answer);
  }
}

for (;;) {
  try {
    const [topic, payload] = await socket.receive();
    take(topic.toString(), JSON.parse(payload.toString()));
  } catch (error) {
    if (error.code !== "EAGAIN") throw error;
    console.error("no heartbeat for 3 s");
  }
}
