// Subscribe to vedette from Node: npm install zeromq, then
//
//     node node_subscriber.mjs tcp://127.0.0.1:5556 [CAMERA]

import { Subscriber } from "zeromq";

const socket = new Subscriber({ receiveTimeout: 3000 });
// For IPv6: ipv6: true. For CURVE: { curveServerKey, curvePublicKey, curveSecretKey, receiveTimeout: 3000 }
socket.connect(process.argv[2] ?? "tcp://127.0.0.1:5556");
const only = process.argv[3]; // one camera, or all of them
const kinds = ["det.", "event.", "status."];
// With the closing dot: det.cam1 would also match det.cam10.
socket.subscribe(...kinds.map((kind) => (only ? `${kind}${only}.` : kind)), "hb.");

const epochs = new Map(); // of each node
const announced = new Map(); // the numbers that the last heartbeat of a node named, after its first
const last = new Map(); // newest number of each "node camera messages" and "node camera events"

// Say how many are missing, now that all up to `number` should have come.
function account(key, number, received) {
  const before = last.get(key) ?? number - received;
  const lost = number - received - before;
  if (lost > 0) {
    const [node, camera, what] = key.split(" ");
    console.log(`lost ${lost} ${what} of ${camera} of ${node}`);
  }
  last.set(key, Math.max(number, before));
}

function takeHeartbeat({ node, cameras }) {
  for (const [key, number] of announced.get(node) ?? []) account(key, number, 0);
  // The first one may be an old one that greets us; what it names proves nothing.
  // It names every camera: what was not subscribed to cannot be lost.
  const named = Object.entries(cameras).filter(([camera]) => !only || camera === only);
  const beats = announced.has(node) ? named : [];
  announced.set(node, beats.flatMap(([camera, beat]) => [
    [`${node} ${camera} messages`, beat.seq],
    [`${node} ${camera} events`, beat.event_seq],
  ]));
}

function take(topic, message) {
  const { node, camera, epoch } = message;
  if (epoch !== epochs.get(node)) { // the daemon was started anew: this is no loss
    epochs.set(node, epoch);
    announced.delete(node);
    for (const key of [...last.keys()]) if (key.startsWith(`${node} `)) last.delete(key);
  }
  if (topic.startsWith("hb.")) {
    takeHeartbeat(message);
  } else if (topic.startsWith("status.")) {
    console.log(camera, "is", message.state, message.reason);
  } else if (topic.startsWith("event.")) {
    account(`${node} ${camera} events`, message.event_seq, 1);
    console.log(camera, message.label, message.track, message.phase, message.zone ?? message.line ?? "");
  } else {
    account(`${node} ${camera} messages`, message.seq, 1);
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
