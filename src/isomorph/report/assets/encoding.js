// Fills the charts of brain scores with the rows that the reader chose. No name from the data is ever read as HTML.
"use strict";

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const MODEL_COLOURS = { light: ["#0067a6", "#c04f00", "#00775b", "#8b5fb0", "#b8860b", "#6b7076", "#a0405f", "#4b9fd5", "#7a9a01", "#5c4033", "#d08fb0", "#20a39e"], dark: ["#6bb8ec", "#f59b5c", "#4fc9a4", "#c3a1e0", "#e0b53f", "#a3a8ae", "#e08aa6", "#9ad0f5", "#b8d84a", "#c2a08f", "#f0bfd6", "#7fe0da"] };

const SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross"], GLYPHS = "●■▲◆▼✚";

function drawKey() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.querySelectorAll("[data-key]").forEach((mark) => {
    const place = Number(mark.dataset.key);
    mark.textContent = GLYPHS[place % GLYPHS.length];
    mark.style.color = MODEL_COLOURS[dark][place % MODEL_COLOURS[dark].length];
  });
}

function themed(spec) {
  const ink = colour("--ink"), muted = colour("--muted");
  const axis = { domain: false, ticks: false, gridColor: colour("--rule"), labelColor: muted, titleColor: muted, labelFontSize: 11.5, titleFontSize: 12, titleFontWeight: "normal", labelPadding: 5 };
  const flat = { domain: false, ticks: false, grid: false, labelColor: ink };
  const style = Object.fromEntries(Object.entries({ test: "--model", train: "--muted", context: "--context", ceiling: "--ceiling", ceilingline: "--brain", fit: "--ink", hover: "--model" }).map(([name, variable]) => [name, { color: colour(variable) }]));
  const dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const coloured = JSON.parse(JSON.stringify(spec), (key, value) => (value === null || typeof value !== "object" || value.scheme !== "models" ? value : { range: MODEL_COLOURS[dark] }));
  return { ...coloured, config: { background: "transparent", font: colour("--sans"), axis, axisBand: flat, legend: { labelColor: ink, titleColor: muted }, style, view: { stroke: null } } };
}

function start() {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const chosen = (name) => Number(document.querySelector(`[data-choice="${name}"]`)?.value ?? 0);
  const find = (rows, wanted) => rows.filter((row) => Object.entries(wanted).every(([key, value]) => row[key] === value));
  const shown = (value) => (value === null || value === undefined ? "–" : value.toFixed(2).replace("-", "−"));
  const ends = (value, low, high) => (low === null || high === null ? shown(value) : `${shown(value)} [${shown(low)}, ${shown(high)}]`);

  function points(curve, split, model) {
    return curve[split].map(([value, low, high], k) => ({ model, index: k, layer: curve.layer[k], depth: curve.depth[k], value, low, high, score: ends(value, low, high), train: shown(curve.train[k]?.[0]) })).filter((row) => row.value !== null);
  }

  const fill = {
    curve(place) {
      const wanted = { metric: chosen("metric"), region: Number(place.dataset.region) };
      const [curve] = find(data.curves, { ...wanted, model: chosen("model") });
      const others = find(data.curves, wanted).filter((each) => each !== curve).flatMap((each) => points(each, "test", data.models[each.model]));
      if (!curve) return { band: [], line: [], others, train: [], test: [], marks: [] };
      const test = points(curve, "test", data.models[curve.model]), subjects = data.subjects[curve.region];
      const marks = curve.marks.map(([layer, count]) => ({ ...test.find((row) => row.layer === layer), share: count / subjects, "chosen by": subjects > 1 ? `${count} of ${subjects} subjects` : "train" }));
      return { band: curve.ceiling.length === 2 ? [{ lower: curve.ceiling[0], upper: curve.ceiling[1] }] : [], line: curve.ceiling.length === 1 ? [{ ceiling: curve.ceiling[0] }] : [], others, train: points(curve, "train", ""), test, marks };
    },
    heat() {
      const rows = find(data.choices, { metric: chosen("metric") });
      const values = rows.map((row) => row.value);
      const middle = (Math.min(...values) + Math.max(...values)) / 2;
      return { rows: rows.map((row) => ({ ...row, model: data.models[row.model], region: data.regions[row.region], shown: shown(row.value), dark: row.value < middle })) };
    },
    dimensionality(place) {
      const [found] = find(data.dimensionality, { metric: chosen("metric"), region: Number(place.dataset.region) });
      if (!found) return { rows: [], fit: [] };
      const title = place.closest("figure").querySelector("[data-r]");
      title.textContent = found.r === null ? "" : `r = ${shown(found.r)}`;
      return { rows: found.points.map(([model, layer, dimensionality, value]) => ({ model: data.models[model], layer, dimensionality, value, score: shown(value), "effective dimensionality": dimensionality.toFixed(1) })), fit: found.fit.map(([dimensionality, value]) => ({ dimensionality, value })) };
    },
    units(place) {
      const [found] = find(data.units, { metric: chosen("metric"), panel: Number(place.dataset.panel) });
      place.closest("figure").hidden = !found;
      place.closest("[data-block]").hidden = !data.units.some((each) => each.metric === chosen("metric"));
      if (!found) return null;
      place.closest("figure").querySelector("[data-layer]").textContent = found.layer;
      return { bins: found.bins.map(([low, high, units]) => ({ low, high, units, from: shown(low), to: shown(high) })), mean: [{ value: found.mean, mean: shown(found.mean) }], limit: found.ceiling === null ? [] : [{ value: found.ceiling, ceiling: shown(found.ceiling) }] };
    },
    penalties(place) {
      const [found] = find(data.penalties, { region: Number(place.dataset.region), model: chosen("model") });
      return { rows: found ? found.rows.map(([layer, depth, alpha, low, high, edge], index) => ({ index, layer, depth, alpha, low, high, median: alpha.toPrecision(2), "at an edge": edge === null ? "–" : `${(100 * edge).toFixed(1)} %` })) : [] };
    },
    pairs(place) {
      const found = data.contrasts[Number(place.dataset.index)];
      const rows = found.pairs.flatMap(([pair, values]) => values.map((value, k) => ({ pair, level: found.levels[k], value, score: shown(value) })));
      return { rows, means: found.levels.map((level, k) => ({ level, value: found.means[k] })) };
    },
    importances(place) {
      return { rows: data.queries.importances[Number(place.dataset.index)].map(([query, value, low, high]) => ({ query, value, low, high, importance: ends(value, low, high) })) };
    },
    null(place) {
      const found = data.queries.null[Number(place.dataset.index)];
      return { bins: found.bins.map(([low, high, sets]) => ({ low, high, sets, from: low.toFixed(3), to: high.toFixed(3) })), queries: [{ value: found.queries, "these queries": found.queries.toFixed(3) }], full: found.full === null ? [] : [{ value: found.full, "all features": found.full.toFixed(3) }] };
    },
  };

  function draw(names) {
    document.querySelectorAll("[data-chart]").forEach((place) => {
      const name = place.dataset.chart;
      if (!names.includes(name)) return;
      const options = { ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true } };
      const datasets = fill[name](place), spec = themed(data.charts[name]);
      if (!datasets) {
        place.replaceChildren();
        place.dataset.drawn = "yes";
        return;
      }
      if (name === "curve") spec.layer.forEach((layer) => { if (layer.encoding.y) layer.encoding.y = { ...layer.encoding.y, scale: { domain: data.domains[chosen("metric")][Number(place.dataset.region)], nice: false } }; });
      if (name === "heat") spec.width = { step: Math.max(34, Math.min(spec.width.step, Math.floor((place.clientWidth - 300) / data.regions.length))) };
      if (name === "importances") spec.height *= Math.max(2, datasets.rows.length);
      if (name === "dimensionality") [["color", spec.layer[0].encoding.color.scale.range], ["shape", SHAPES]].forEach(([channel, range]) => { spec.layer[0].encoding[channel].scale = { domain: data.models, range }; });
      vegaEmbed(place, { ...spec, datasets }, options).then(() => { place.dataset.drawn = "yes"; });
    });
  }

  function showRows() {
    document.querySelectorAll("[data-metric]").forEach((row) => { row.hidden = Number(row.dataset.metric) !== chosen("metric"); });
  }
  const all = Object.keys(fill);
  const affected = { metric: ["curve", "heat", "dimensionality", "units"], model: ["curve", "penalties"] };
  document.addEventListener("change", (event) => {
    const name = event.target.dataset?.choice;
    if (!name) return;
    document.querySelectorAll(`[data-choice="${name}"]`).forEach((each) => { each.value = event.target.value; });
    showRows();
    draw(affected[name]);
  });
  showRows();
  drawKey();
  draw(all);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawKey(); draw(all); });
}

start();
