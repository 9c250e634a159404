// Draws the charts of an AligNet report in the page's own colours. No name from the data is ever read as HTML.
"use strict";

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function themed(spec) {
  const ink = colour("--ink"), muted = colour("--muted");
  const axis = { domain: false, ticks: false, gridColor: colour("--rule"), labelColor: ink, titleColor: muted, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", labelPadding: 6 };
  const students = { student: colour("--model"), control: colour("--control") };
  const filled = JSON.parse(JSON.stringify(spec), (key, value) => (key === "color" && value?.scale ? { ...value, scale: { ...value.scale, range: value.scale.range.map((name) => students[name]) } } : value));
  return { ...filled, config: { background: "transparent", font: colour("--sans"), axis, style: { zero: { color: muted, strokeDash: [3, 3] } }, view: { stroke: null } } };
}

function start() {
  const { charts, datasets } = JSON.parse(document.getElementById("report-data").textContent);

  function draw() {
    document.querySelectorAll("[data-chart]").forEach((place) => {
      const name = place.dataset.chart;
      const spec = themed(charts[name]);
      if (name === "gains") {
        const questions = new Set(datasets.gains.map((row) => row.question)).size;
        const students = new Set(datasets.gains.map((row) => row.student)).size;
        spec.height = questions * (students > 1 ? 44 : 30);
        if (place.clientWidth < 560) spec.layer.forEach((layer) => { if (layer.encoding.y) layer.encoding.y.axis = { ...layer.encoding.y.axis, labelLimit: 150, labelFontSize: 10.5 }; });
      }
      const options = { ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true } };
      vegaEmbed(place, { ...spec, datasets }, options).then(() => { place.dataset.drawn = "yes"; });
    });
  }
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

start();
