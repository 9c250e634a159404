// Fills the charts of a consistency report with the rows that the reader chose. No name from the data is ever read as HTML.
"use strict";

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function themed(spec) {
  const ink = colour("--ink"), muted = colour("--muted");
  const axis = { domain: false, ticks: false, gridColor: colour("--rule"), labelColor: muted, titleColor: muted, labelFontSize: 11.5, titleFontSize: 12, titleFontWeight: "normal", labelPadding: 5 };
  const flat = { domain: false, ticks: false, grid: false };
  const style = { model: { color: colour("--model") }, performance: { color: colour("--behaviour") } };
  const legend = { labelColor: ink, titleColor: muted, labelFontSize: 11.5 };
  return { ...spec, config: { background: "transparent", font: colour("--sans"), axis, axisBand: flat, legend, header: { labelColor: ink }, style, rule: { color: ink }, tick: { color: ink }, text: { color: ink }, view: { stroke: null } } };
}

function triangle(m) {
  const pairs = [];
  for (let i = 0; i < m; i += 1) for (let j = i + 1; j < m; j += 1) pairs.push([i, j]);
  return pairs;
}

function start() {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const pairs = triangle(data.labels.length);
  const choice = (name) => document.querySelector(`[data-choice="${name}"]`)?.value;
  const measure = () => Number(choice("measure"));
  const grouping = () => data.groupings[choice("grouping")] ?? Object.values(data.groupings)[0];

  function square(values, own) {
    const grid = data.labels.map((_, i) => data.labels.map((__, j) => (i === j ? own[i] : null)));
    pairs.forEach(([i, j], k) => { grid[i][j] = values[k]; grid[j][i] = values[k]; });
    return data.order.flatMap((m, i) => data.order.map((o, j) => ({ i, j, row: data.labels[m], column: data.labels[o], value: grid[m][o] })));
  }
  const named = (rows) => pairs.map(([i, j], k) => ({ a: data.labels[i], b: data.labels[j], ...rows(k) }));
  const complete = (rows) => rows.filter((row) => Object.values(row).every((value) => value !== null && value !== undefined));

  const fill = {
    matrix() {
      const which = choice("matrix"), k = measure();
      if (which === "mean") return { rows: square(data.mean[k], data.labels.map((_, m) => data.own.map((each) => each[k][m]).find((value) => value !== null))) };
      if (which === "sd") return { rows: square(data.spread[k], data.labels.map(() => null)) };
      const d = Number(which);
      return { rows: square(data.values[d][k], data.own[d][k]) };
    },
    consistency() {
      const rows = grouping().pairs.filter((row) => row.measure === data.measures[measure()] && row.set === choice("set"));
      const cells = data.datasets.map((name) => ({ row: name, column: name, value: 1, shown: "1" }));
      rows.forEach((row) => [[row.a, row.b], [row.b, row.a]].forEach(([one, other]) => cells.push({ row: one, column: other, value: row.r, shown: row.shown })));
      return { rows: cells.map((cell) => ({ ...cell, i: data.datasets.indexOf(cell.row), j: data.datasets.indexOf(cell.column) })) };
    },
    sets() {
      const wanted = (row) => row.measure === data.measures[measure()];
      const summary = grouping().summary.filter(wanted);
      const spread = (row, k) => ({ ...row, place: ((k + 1) * 0.618034) % 1 }); // so that equal dots do not hide one another
      const rows = summary.flatMap((each) => grouping().pairs.filter((row) => wanted(row) && row.set === each.set).map(spread));
      return { rows: rows.map((row) => ({ ...row, datasets: `${row.a} – ${row.b}` })).filter((row) => row.r !== null), summary: summary.filter((row) => row.median !== null) };
    },
    map() {
      const which = choice("map"), words = data.attributes[choice("colour")];
      const found = data.maps[measure()][which === "mean" ? data.datasets.length : Number(which)];
      document.querySelector("[data-stress]").textContent = found.stress.toFixed(2);
      return { rows: found.models.map((m, k) => ({ model: data.models[m], short: data.labels[m], group: words ? words[m] : "model", x: found.points[k][0], y: found.points[k][1] })) };
    },
    against() {
      const one = Number(choice("one")), other = Number(choice("other")), k = measure();
      return { rows: complete(named((p) => ({ x: data.values[one][k][p], y: data.values[other][k][p] }))) };
    },
    spread() {
      const k = measure();
      return { rows: complete(named((p) => ({ x: data.mean[k][p], y: data.spread[k][p] }))) };
    },
    gap() {
      const k = measure();
      return { rows: data.gaps.flatMap((gaps, d) => (gaps ? complete(named((p) => ({ dataset: data.datasets[d], similarity: data.values[d][k][p], gap: gaps[p] }))) : [])) };
    },
  };

  function fillSets() {
    const chooser = document.querySelector('[data-choice="set"]');
    if (!chooser) return;
    const names = [...new Set(grouping().summary.map((row) => row.set))];
    const wanted = names.includes(chooser.value) ? chooser.value : "all models";
    chooser.replaceChildren(...names.map((name) => new Option(name, name, false, name === wanted)));
  }

  function narrowed(place, spec, least) {
    const side = place.dataset.chart === "matrix" ? data.labels.length : data.datasets.length;
    const step = Math.max(least, Math.min(spec.width.step, Math.floor((place.clientWidth - 190) / side)));
    return { width: { step }, height: { step } };
  }

  function draw(names) {
    document.querySelectorAll("[data-chart]").forEach((place) => {
      const name = place.dataset.chart;
      if (!names.includes(name)) return;
      const options = { ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true } };
      const datasets = fill[name]();
      const spec = data.charts[name], least = { matrix: 5, consistency: 30 }[name];
      const size = name === "sets" ? { height: 38 * Math.max(1, datasets.summary.length) } : least ? narrowed(place, spec, Math.min(least, spec.width.step)) : {};
      vegaEmbed(place, { ...themed(spec), ...size, datasets }, options).then(() => { place.dataset.drawn = "yes"; });
    });
  }

  const all = Object.keys(fill);
  const affected = { measure: all, grouping: ["sets", "consistency"], set: ["consistency"], matrix: ["matrix"], map: ["map"], colour: ["map"], one: ["against"], other: ["against"] };
  document.addEventListener("change", (event) => {
    const name = event.target.dataset?.choice;
    if (!name) return;
    if (name === "grouping") fillSets();
    if (name === "measure" || name === "grouping") showTables();
    draw(affected[name]);
  });
  function showTables() {
    document.querySelectorAll("[data-summary]").forEach((table) => {
      table.hidden = table.dataset.summary !== choice("grouping");
    });
    document.querySelectorAll("tr[data-measure]").forEach((row) => { row.hidden = row.dataset.measure !== choice("measure"); });
  }
  fillSets();
  showTables();
  draw(all);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(all));
}

start();
