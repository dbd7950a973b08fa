// Points and polygons in fractions of the picture. Pure.

// What is wrong with a zone's corners, in the daemon's words (config/polygon.py); '' for nothing.
export function faultOf(corners) {
  if (corners.length < 3) return "needs three corners";
  if (new Set(corners.map(String)).size < corners.length) return "has two corners in one place";
  const edges = corners.map((corner, n) => [corner, corners[(n + 1) % corners.length]]);
  for (let one = 0; one < edges.length; one += 1) {
    for (let other = one + 1; other < edges.length; other += 1) {
      const near = other === one + 1 || (one === 0 && other === edges.length - 1);
      if (!near && cross(edges[one], edges[other])) return "crosses itself";
    }
  }
  return area(corners) < 1e-6 ? "has no area" : "";
}

function area(corners) {
  const twice = corners.reduce((sum, [x, y], n) => {
    const [nextX, nextY] = corners[(n + 1) % corners.length];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(twice) / 2;
}

function cross([a, b], [c, d]) {
  return turn(a, b, c) * turn(a, b, d) <= 0 && turn(c, d, a) * turn(c, d, b) <= 0;
}

function turn(from, to, point) {
  return (to[0] - from[0]) * (point[1] - from[1]) - (point[0] - from[0]) * (to[1] - from[1]);
}

export function middle(corners) {
  const sum = corners.reduce(([x, y], corner) => [x + corner[0], y + corner[1]], [0, 0]);
  return [sum[0] / corners.length, sum[1] / corners.length];
}

export function clamped([x, y]) {
  const inside = (value) => Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;
  return [inside(x), inside(y)];
}

// All corners moved, no farther than the picture goes.
export function moved(corners, [byX, byY]) {
  const kept = (by, n) => {
    const values = corners.map((corner) => corner[n]);
    return Math.min(1 - Math.max(...values), Math.max(-Math.min(...values), by));
  };
  const [x, y] = [kept(byX, 0), kept(byY, 1)];
  return corners.map((corner) => clamped([corner[0] + x, corner[1] + y]));
}
