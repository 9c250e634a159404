// One small Vega-Lite chart for each model; the specification comes from Python, the colours from the style sheet.
"use strict";

const drawnCurves = new Set();

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function chartConfig() {
  const axis = { domain: false, ticks: false, gridColor: colour("--rule"), labelColor: colour("--muted"), labelFontSize: 11.5, labelPadding: 5 };
  return { background: "transparent", font: colour("--sans"), axis, axisX: { grid: false }, view: { stroke: null } };
}

// Colours in the specification serve readers of the file; here the style sheet decides, so that the dark theme works.
function themed(spec, kind) {
  const own = `--${kind}`;
  const colours = { ceiling: "--ceiling", context: "--context", band: own, curve: own, best: own, hover: "--ink" };
  const layer = spec.layer.map((each) => ({ ...each, mark: { ...each.mark, color: colour(colours[each.mark.style]) } }));
  return { ...spec, layer, config: chartConfig() };
}

function drawCurves(element, question) {
  if (drawnCurves.has(element)) return;
  drawnCurves.add(element);
  const draw = () => {
    element.querySelectorAll(".chart").forEach((place, index) => {
      const best = question.best[index];
      const datasets = {
        layers: question.curves[index],
        others: question.curves.flatMap((rows, other) => (other === index || rows.length < 2 ? [] : rows)),
        best: [question.curves[index][best]],
        ceiling: question.ceiling,
      };
      const options = { ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true } };
      vegaEmbed(place, { ...themed(question.chart, question.kinds[index]), datasets }, options).then(() => { place.dataset.drawn = question.target; });
    });
  };
  draw();
  document.addEventListener("theme", draw);
}
