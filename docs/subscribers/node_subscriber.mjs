// Subscribe to vedette from Node: npm install zeromq, then
//
//     node node_subscriber.mjs tcp://127.0.0.1:5556

import { Subscriber } from "zeromq";

const socket = new Subscriber({ receiveTimeout: 3000 });
// For CURVE: { curveServerKey, curvePublicKey, curveSecretKey, receiveTimeout: 3000 }
socket.connect(process.argv[2] ?? "tcp://127.0.0.1:5556");
socket.subscribe("det.", "status.", "hb."); // one camera only: "det.gate." with the closing dot

let epoch = null;
let announced = null; // the `seq` of each camera by the last heartbeat; null before the first
const lastSeq = new Map(); // of each camera

// Say how many messages are missing, now that all up to `seq` should have come.
function account(camera, seq, received) {
  const before = lastSeq.get(camera) ?? seq - received;
  const lost = seq - received - before;
  if (lost > 0) console.log(`lost ${lost} of ${camera}`);
  lastSeq.set(camera, Math.max(seq, before));
}

function take(topic, message) {
  if (message.epoch !== epoch) { // the daemon was started anew: this is no loss
    epoch = message.epoch;
    announced = null;
    lastSeq.clear();
  }
  if (topic === "hb.") {
    for (const [camera, beat] of announced ?? []) account(camera, beat.seq, 0);
    // The first one may be an old one that greets us; what it names proves nothing.
    announced = announced === null ? [] : Object.entries(message.cameras);
  } else if (topic.startsWith("status.")) {
    console.log(message.camera, "is", message.state, message.reason);
  } else {
    account(message.camera, message.seq, 1);
    const found = message.detections.map((d) => `${d.label} ${d.score.toFixed(2)}`);
    const answer = message.status === "ok" ? found.join(", ") || "nothing" : `no answer: ${message.error}`;
    console.log(message.camera, message.seq, answer);
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
