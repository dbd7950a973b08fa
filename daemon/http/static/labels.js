// Where labels may lie: at the feet of their box, never over anybody's head or another label.

const HEAD = 0.35; // of a box, from its top

// `items` are { box: {x, y, w, h}, size: {w, h} }, `words` rectangles that are written on already;
// answers a place {x, y} for each, or null.
export function place(items, bounds, words = []) {
  const heads = items.map(({ box }) => ({ x: box.x, y: box.y, w: box.w, h: box.h * HEAD }));
  const taken = [...words];
  return items.map(({ box, size }) => {
    const spots = [
      { x: box.x, y: box.y + box.h - size.h }, // inside, at the feet
      { x: box.x, y: box.y + box.h },
      { x: box.x + box.w - size.w, y: box.y + box.h - size.h },
      { x: box.x + box.w - size.w, y: box.y + box.h },
      { x: box.x + box.w, y: box.y + box.h - size.h },
      { x: box.x - size.w, y: box.y + box.h - size.h },
    ];
    const free = spots.find((spot) => {
      const area = { ...spot, ...size };
      return inside(area, bounds) && ![...heads, ...taken].some((other) => overlap(area, other));
    });
    if (!free) return null;
    taken.push({ ...free, ...size });
    return free;
  });
}

function inside(area, { w, h }) {
  return area.x >= 0 && area.y >= 0 && area.x + area.w <= w && area.y + area.h <= h;
}

function overlap(one, other) {
  return one.x < other.x + other.w && other.x < one.x + one.w
    && one.y < other.y + other.h && other.y < one.y + one.h;
}
