// RDMs on canvases: one cell a pair, the pair under the pointer marked in all of them.
"use strict";

// cividis, after Nuñez, Anderton & Renslow (2018): even steps of lightness for every kind of colour vision.
const HEAT = [[0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115], [138, 134, 120], [165, 156, 116], [195, 179, 105], [225, 204, 85], [254, 232, 56]];

function heat(level) {
  const place = (level / 255) * (HEAT.length - 1);
  const low = Math.min(Math.floor(place), HEAT.length - 2);
  return HEAT[low].map((part, channel) => part + (HEAT[low + 1][channel] - part) * (place - low));
}

function unpack(text) {
  return Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
}

function pairIndex(row, column, count) {
  const [low, high] = row < column ? [row, column] : [column, row];
  return low * count - (low * (low + 1)) / 2 + (high - low - 1);
}

function paint(canvas, ranks, count) {
  canvas.width = canvas.height = count;
  const context = canvas.getContext("2d");
  const image = context.createImageData(count, count);
  const colours = Array.from({ length: 256 }, (_, level) => heat(level));
  for (let row = 0; row < count; row += 1) {
    for (let column = 0; column < count; column += 1) {
      const [red, green, blue] = row === column ? HEAT[0] : colours[ranks[pairIndex(row, column, count)]];
      image.data.set([red, green, blue, 255], 4 * (row * count + column));
    }
  }
  context.putImageData(image, 0, 0);
}

function markPair(overlay, count, groups, pair) {
  const size = overlay.clientWidth * devicePixelRatio;
  if (overlay.width !== size) overlay.width = overlay.height = size;
  const context = overlay.getContext("2d");
  context.clearRect(0, 0, size, size);
  const cell = size / count;
  context.strokeStyle = "rgba(255, 255, 255, .55)";
  context.lineWidth = devicePixelRatio;
  groups.slice(1).forEach(([, start]) => {
    context.beginPath();
    context.moveTo(start * cell, 0);
    context.lineTo(start * cell, size);
    context.moveTo(0, start * cell);
    context.lineTo(size, start * cell);
    context.stroke();
  });
  if (!pair) return;
  const side = Math.max(cell, 6 * devicePixelRatio);
  [pair, [pair[1], pair[0]]].forEach(([row, column]) => {
    const corner = [(column + 0.5) * cell - side / 2, (row + 0.5) * cell - side / 2];
    context.strokeStyle = "#000";
    context.lineWidth = 4 * devicePixelRatio;
    context.strokeRect(...corner, side, side);
    context.strokeStyle = "#fff";
    context.lineWidth = 2 * devicePixelRatio;
    context.strokeRect(...corner, side, side);
  });
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function showStimulus(figure, stimuli, index) {
  const place = figure.querySelector(".stimulus");
  if (stimuli.thumbnails[index]) {
    const image = element("img");
    image.src = stimuli.thumbnails[index];
    image.alt = "";
    place.replaceChildren(image);
  } else {
    place.replaceChildren(element("span", "word", stimuli.texts[index] ?? stimuli.ids[index]));
  }
  const caption = figure.querySelector("figcaption");
  caption.replaceChildren(element("b", "", stimuli.ids[index]), element("small", "", stimuli.labels[index]));
}

function drawHeatmaps(section, data) {
  const count = data.stimuli.ids.length;
  const place = section.querySelector(".heatmaps");
  const panel = section.querySelector(".pair");
  let pair = null;
  const maps = data.rdms.map((rdm) => {
    const figure = element("figure", `heatmap ${rdm.kind}`);
    const frame = element("div", "frame");
    const canvas = element("canvas");
    const overlay = element("canvas", "overlay");
    overlay.tabIndex = 0;
    overlay.setAttribute("role", "img");
    overlay.setAttribute("aria-label", `Dissimilarity of all pairs of stimuli for ${rdm.name}. Arrow keys move from cell to cell.`);
    const reading = element("small", "reading");
    const caption = element("figcaption");
    caption.append(element("b", "", rdm.name), element("small", "", rdm.layer || rdm.kind), reading);
    frame.append(canvas, overlay);
    figure.append(frame, caption);
    place.append(figure);
    const ranks = unpack(rdm.ranks);
    paint(canvas, ranks, count);
    return { figure, overlay, ranks, reading, targets: rdm.targets };
  });

  const point = (next) => {
    pair = next && next[0] !== next[1] ? next : null;
    panel.querySelectorAll("figure").forEach((figure) => { figure.hidden = !pair; });
    if (pair) panel.querySelectorAll("figure").forEach((figure, index) => showStimulus(figure, data.stimuli, pair[index]));
    maps.forEach((map) => {
      markPair(map.overlay, count, data.groups, pair);
      const share = pair && Math.round((100 * map.ranks[pairIndex(...pair, count)]) / 255);
      map.reading.textContent = pair ? `more unlike than ${share}% of pairs` : "";
    });
  };
  maps.forEach(({ overlay }) => {
    const cellAt = (event) => {
      const box = overlay.getBoundingClientRect();
      const place = (offset, size) => Math.max(0, Math.min(count - 1, Math.floor((offset / size) * count)));
      return [place(event.clientY - box.top, box.height), place(event.clientX - box.left, box.width)];
    };
    overlay.addEventListener("pointermove", (event) => point(cellAt(event)));
    overlay.addEventListener("pointerdown", (event) => point(cellAt(event)));
    overlay.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      let next = (pair ?? [0, 0]).map((each, axis) => Math.max(0, Math.min(count - 1, each + step[axis])));
      if (next[0] === next[1]) next = next.map((each, axis) => Math.max(0, Math.min(count - 1, each + step[axis])));
      if (next[0] !== next[1]) point(next);
    });
  });
  point([0, Math.floor(count / 2)]);
  const refresh = () => maps.forEach((map) => markPair(map.overlay, count, data.groups, pair));
  new ResizeObserver(refresh).observe(place);
  return {
    choose(target) {
      maps.forEach((map) => { map.figure.hidden = map.targets.length > 0 && target !== undefined && !map.targets.includes(target); });
      refresh();
    },
  };
}
