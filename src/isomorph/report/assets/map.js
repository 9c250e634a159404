// The map of all geometries: an SVG with the same scale on both axes, and labels that keep out of one another's way.
"use strict";

const SHAPES = {
  model: "M-6,0a6,6 0 1,0 12,0a6,6 0 1,0 -12,0",
  control: "M-5,-5h10v10h-10z",
  brain: "M0,-7.5L7.5,0L0,7.5L-7.5,0z",
  behaviour: "M0,-7L7,5.5L-7,5.5z",
};

const VALUE_ROOM = 44; // pixels beside each name for the correlation that pointing adds

function svg(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

function overlap(a, b) {
  return Math.max(0, Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x)) * Math.max(0, Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y));
}

// Each label takes the place around its point that covers least of what is there already.
function placeLabels(points, sizes, width, height) {
  const taken = points.map(([x, y]) => ({ x: x - 8, y: y - 8, w: 16, h: 16 }));
  return points.map(([x, y], index) => {
    const { w, h } = sizes[index];
    const candidates = [];
    for (const gap of [10, 20, 34, 50]) {
      candidates.push([x + gap, y - h / 2], [x - gap - w, y - h / 2], [x - w / 2, y - gap - h], [x - w / 2, y + gap]);
      candidates.push([x + gap * 0.8, y - gap * 0.8 - h], [x + gap * 0.8, y + gap * 0.8], [x - gap * 0.8 - w, y - gap * 0.8 - h], [x - gap * 0.8 - w, y + gap * 0.8]);
    }
    const boxes = candidates.map(([left, top]) => ({ x: Math.max(0, Math.min(left, width - w)), y: Math.max(0, Math.min(top, height - h)), w, h }));
    const costs = boxes.map((box, order) => order + 10 * taken.reduce((sum, other) => sum + overlap(box, other), 0));
    const best = boxes[costs.indexOf(Math.min(...costs))];
    taken.push(best);
    return best;
  });
}

function drawMap(place, map) {
  const draw = () => {
    const width = place.clientWidth;
    if (!width) return;
    const margin = Math.min(110, width * 0.16);
    const spans = [0, 1].map((axis) => map.points.map((point) => point[axis]));
    const [[left, right], [low, high]] = spans.map((values) => [Math.min(...values), Math.max(...values)]);
    const scale = Math.min((width - 2 * margin) / Math.max(right - left, 1e-6), 520 / Math.max(high - low, 1e-6));
    const height = Math.max(160, (high - low) * scale + 90);
    const points = map.points.map(([x, y]) => [width / 2 + (x - (left + right) / 2) * scale, height / 2 - (y - (low + high) / 2) * scale]);
    const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Map of all geometries" });
    place.replaceChildren(root, legend(map.kinds));
    const marks = points.map(([x, y], index) => {
      const label = svg("text", { class: "name" });
      label.textContent = map.names[index];
      const group = svg("g", { class: `point ${map.kinds[index]}`, tabindex: 0, role: "img", "aria-label": described(map, index) });
      group.append(svg("line", { class: "leader" }), svg("path", { d: SHAPES[map.kinds[index]] ?? SHAPES.model, transform: `translate(${x},${y})` }), label);
      root.append(group);
      return { group, label, x, y };
    });
    const sizes = marks.map(({ label }) => ({ w: label.getComputedTextLength() + VALUE_ROOM, h: 20 }));
    placeLabels(points, sizes, width, height).forEach((box, index) => {
      const { group, label, x, y } = marks[index];
      const side = box.x >= x ? "start" : box.x + box.w <= x ? "end" : "middle";
      label.setAttribute("text-anchor", side);
      label.setAttribute("x", { start: box.x + 2, end: box.x + box.w - 2, middle: box.x + box.w / 2 }[side]);
      label.setAttribute("y", box.y + 15);
      const near = [Math.max(box.x, Math.min(x, box.x + box.w)), Math.max(box.y, Math.min(y, box.y + box.h))];
      if (Math.hypot(near[0] - x, near[1] - y) > 16) {
        Object.entries({ x1: x, y1: y, x2: near[0], y2: near[1] }).forEach(([key, value]) => group.firstChild.setAttribute(key, value));
      }
    });
    const point = (index) => marks.forEach(({ label }, other) => {
      const known = index !== null && other !== index;
      label.textContent = map.names[other] + (known ? `  ${map.similarity[index][other].toFixed(2).replace("-", "−")}` : "");
      label.parentNode.classList.toggle("chosen", other === index);
    });
    marks.forEach(({ group }, index) => {
      group.addEventListener("pointerenter", () => point(index));
      group.addEventListener("focus", () => point(index));
      group.addEventListener("pointerleave", () => point(null));
      group.addEventListener("blur", () => point(null));
    });
  };
  let width = 0;
  new ResizeObserver(() => {
    if (place.clientWidth !== width) { width = place.clientWidth; draw(); }
  }).observe(place);
}

function described(map, index) {
  const others = map.names.map((name, other) => [map.similarity[index][other], name]).filter((_, other) => other !== index);
  const [value, name] = others.sort((a, b) => b[0] - a[0])[0];
  return `${map.names[index]} (${map.kinds[index]}); most like ${name}, r = ${value.toFixed(2)}`;
}

function legend(kinds) {
  const list = document.createElement("ul");
  list.className = "legend";
  [...new Set(kinds)].forEach((kind) => {
    const item = document.createElement("li");
    const icon = svg("svg", { width: 16, height: 16, viewBox: "-8 -8 16 16", class: `point ${kind}`, "aria-hidden": "true" });
    icon.append(svg("path", { d: SHAPES[kind] ?? SHAPES.model }));
    item.append(icon, kind);
    list.append(item);
  });
  return list;
}
