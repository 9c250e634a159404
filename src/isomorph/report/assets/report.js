// Sorting of tables and the choice of a target; starts the drawings. No name from the data is ever read as HTML.
"use strict";

function sortable(table) {
  const body = table.tBodies[0];
  table.querySelectorAll("th[data-sort]").forEach((header) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const column = header.cellIndex;
      const rising = header.getAttribute("aria-sort") !== "ascending";
      const value = (row) => row.cells[column].dataset.value;
      const numeric = [...body.rows].every((row) => value(row) !== "" && isFinite(value(row)));
      const compare = (a, b) => (numeric ? value(a) - value(b) : value(a).localeCompare(value(b), undefined, { numeric: true }));
      const rows = [...body.rows].sort((a, b) => (rising ? compare(a, b) : compare(b, a)));
      body.append(...rows);
      table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", rising ? "ascending" : "descending");
    });
  });
  table.querySelector("th[data-sort]").setAttribute("aria-sort", "ascending");
}

function openBenchmark(section, data) {
  const questions = [...section.querySelectorAll(".question")];
  const heatmaps = section.querySelector(".heatmaps") && drawHeatmaps(section, data);
  const map = section.querySelector("[data-map]");
  if (map && data.map) drawMap(map, data.map);
  const strip = section.querySelector(".strip");
  const choose = (index) => {
    questions.forEach((each, place) => { each.hidden = place !== index; });
    const caveats = questions[index]?.querySelector(".caveats");
    if (caveats && strip) caveats.after(strip);
    if (questions[index]) drawCurves(questions[index], data.questions[index]);
    heatmaps?.choose(data.questions[index]?.target);
  };
  const chooser = section.querySelector(".targets");
  if (chooser) {
    chooser.hidden = false;
    chooser.addEventListener("change", (event) => choose(Number(event.target.value)));
    window.addEventListener("pageshow", () => choose(Number(chooser.querySelector("input:checked").value)));
  }
  choose(0);
}

function start() {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  document.querySelectorAll("table.ranking").forEach(sortable);
  document.querySelectorAll("[data-benchmark]").forEach((section) => openBenchmark(section, data[section.dataset.benchmark]));
  const redraw = () => document.dispatchEvent(new Event("theme"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

start();
