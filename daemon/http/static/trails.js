// Where each object went in the last seconds: the points on which it stood.

const LAST_NS = 3e9;
const MOST = 60; // points of one object

export class Trails {
  constructor() {
    this.known = new Map(); // track → { label, points: [{ x, y, at }] }
  }

  add({ captured_ns: at, detections }) {
    for (const { track, label, box: [x1, , x2, y2] } of detections) {
      if (track === undefined) continue;
      const trail = this.known.get(track) ?? { points: [] };
      trail.label = label;
      trail.points.push({ x: (x1 + x2) / 2, y: y2, at });
      if (trail.points.length > MOST) trail.points.shift();
      this.known.set(track, trail);
    }
    for (const [track, { points }] of this.known) {
      while (points.length && (at - points[0].at > LAST_NS || points[0].at > at)) points.shift();
      if (points.length === 0) this.known.delete(track);
    }
  }

  get shown() {
    return [...this.known.values()].filter(({ points }) => points.length > 1);
  }
}
