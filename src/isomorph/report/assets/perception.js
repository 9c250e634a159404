// Draws the charts of the page of perception in the page's own colours. No name from the data is ever read as HTML.
"use strict";

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function themed(spec) {
  const ink = colour("--ink"), muted = colour("--muted");
  const axis = { domain: false, ticks: false, gridColor: colour("--rule"), labelColor: ink, titleColor: muted, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", labelPadding: 6 };
  const real = (range) => range.map((each) => (each === "low" || each === "high" ? colour(`--${each}`) : typeof each === "number" ? colour(`--o${each % 8}`) : each));
  const filled = JSON.parse(JSON.stringify(spec), (key, value) => (key === "color" && value?.scale?.range ? { ...value, scale: { ...value.scale, range: real(value.scale.range) } } : value));
  const style = { zero: { color: muted, strokeDash: [3, 3] }, ceiling: { color: colour("--ceiling"), opacity: 1 }, "ceiling-line": { color: muted, strokeWidth: 1 }, cell: { color: colour("--ink"), fontSize: 11.5, stroke: colour("--paper"), strokeWidth: 0 } };
  return { ...filled, config: { background: "transparent", font: colour("--sans"), axis, style, view: { stroke: null } } };
}

function start() {
  const { charts, datasets, confusions } = JSON.parse(document.getElementById("report-data").textContent);
  const choice = document.querySelector('[data-choice="confusion"]');

  function confusion(who, set) {
    const table = confusions.sets[set][who] ?? [];
    return table.flatMap((row, at) => row.map((share, column) => ({ truth: confusions.truths[at], answer: confusions.answers[column], share })));
  }

  function data(place) {
    const { chart, set, who } = place.dataset;
    if (chart === "kappa") {
      const part = (rows) => rows.filter((row) => row.dataset === set);
      return { kappa: part(datasets.kappa), bands: part(datasets.bands) };
    }
    return chart === "confusion" ? { confusion: confusion(who, choice.value) } : { [chart]: datasets[chart] };
  }

  function draw(only) {
    document.querySelectorAll("[data-chart]").forEach((place) => {
      if (only && place.dataset.chart !== only) return;
      const options = { ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true } };
      const spec = { ...themed(charts[place.dataset.chart]), datasets: data(place) };
      if ("cells" in place.dataset) spec.layer[1].encoding.color = { condition: { test: `datum.value > ${middle(place.dataset.chart)}`, value: colour("--paper") }, value: colour("--ink") };
      vegaEmbed(place, spec, options).then(() => { place.dataset.drawn = "yes"; });
    });
  }

  function middle(chart) {
    const values = charts[chart].layer[0].encoding.color.scale.domain ?? datasets[chart].map((row) => row.value);
    return (Math.min(...values) + Math.max(...values)) / 2;
  }

  choice?.addEventListener("change", () => draw("confusion"));
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
}

start();
