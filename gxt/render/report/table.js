// The table of runs: sorted by a click on a column, filtered by words, best values marked.

const sorting = { column: null, up: true };

function tableSection() {
  if (report.runs.length < 2) return null;
  const body = make("tbody");
  const count = make("span", { class: "count", role: "status" });
  const filter = make("input", {
    type: "search", id: "filter", placeholder: "Filter: words that a row holds", "aria-label": "Filter runs", oninput: () => fill(),
  });
  const heads = ["run", ...report.columns.map(([name]) => name)].map((name, at) => headCell(name, at - 1, () => fill()));
  const rows = report.runs.map(tableRow);
  const texts = report.runs.map((run) => [run.id, ...run.cells.map((cell) => cell[0])].join("\n").toLowerCase());
  let seen = [];
  const fill = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    seen = sortedRuns().filter((run) => words.every((word) => texts[run].includes(word)));
    body.replaceChildren(...seen.map((run) => rows[run]));
    count.textContent = seen.length === rows.length ? `${rows.length} rows` : `${seen.length} of ${rows.length} rows`;
    heads.forEach((head, at) => {
      const order = sorting.column === at - 1 && sorting.column !== null ? (sorting.up ? "ascending" : "descending") : "none";
      head.setAttribute("aria-sort", order);
    });
  };
  const paint = () => rows.forEach((row, run) => {
    row.querySelector(".swatch").replaceWith(swatch(run));
    row.querySelector("input").checked = slotOf(run) >= 0;
    row.classList.toggle("selected", slotOf(run) >= 0);
  });
  watch((what) => what === "selection" && paint());
  fill();
  paint();
  const tools = make("div", { class: "tools" }, filter, count,
    make("button", { onclick: () => selectOnly(seen) }, "Draw these"),
    make("button", { onclick: () => selectOnly([]) }, "Draw none"));
  return make("section", { class: "runs" }, make("h2", {}, "Runs"), tools,
    make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Table of runs" },
      make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body)));
}

/** Of each column whether all that it holds are numbers. */
const NUMERIC = report.columns.map(([, kind], column) => kind === "metric" || kind === "number" ||
  (kind === "param" && report.runs.every((run) => !run.cells[column][0] || run.cells[column].length > 1)));

function headCell(name, column, fill) {
  const sort = () => {
    sorting.up = sorting.column === column ? !sorting.up : true;
    sorting.column = column;
    fill();
  };
  return make("th", { scope: "col", class: NUMERIC[column] ? "number" : null },
    make("button", { onclick: sort }, name));
}

/** What a run is sorted by, behind its rank: 0, among numbers 1 for what has diverged, 2 where there is nothing. */
function sortKey(run, column) {
  if (column < 0) return [0, report.runs[run].id];
  const [text, number] = report.runs[run].cells[column];
  if (!text) return [2, text];
  return typeof number === "number" ? [0, number] : [NUMERIC[column] ? 1 : 0, text];
}

const { compare: compareTexts } = new Intl.Collator("en", { numeric: true });

/** Numbers by size, then texts. */
function compareKeys(a, b) {
  if (typeof a === "string" && typeof b === "string") return compareTexts(a, b);
  return typeof a === typeof b ? a - b : (typeof a === "string") - (typeof b === "string");
}

/** Runs in the order that was asked for; those without a finite value last, either way. */
function sortedRuns() {
  const order = [...report.runs.keys()];
  const { column, up } = sorting;
  if (column === null) return order;
  const keys = order.map((run) => sortKey(run, column));
  return order.sort((a, b) => {
    const [[rank, key], [otherRank, other]] = [keys[a], keys[b]];
    const first = compareKeys(key, other);
    return rank - otherRank || (up ? first : -first) || a - b;
  });
}

function tableRow(one, run) {
  const cells = one.cells.map((cell, at) => {
    const kind = report.columns[at][1];
    if (kind === "verdict") return make("td", { class: `change ${cell[2] || ""}` }, verdictMark(cell[2]), " ", cell[0]);
    const isBest = kind === "metric" && cell[2] === true;
    const mark = isBest ? make("span", { class: "star", title: "the best" }, " ★") : null;
    return make("td", { class: [NUMERIC[at] ? "number" : "text", isBest ? "best" : ""].join(" ").trim() }, cell[0], mark);
  });
  const box = make("input", { type: "checkbox", "aria-label": `Draw ${one.id}`, onchange: (event) => select(run, event.target.checked) });
  return make("tr", {}, make("th", { scope: "row" }, box, swatch(run),
    make("button", { class: "link", onclick: () => open(run) }, one.id)), ...cells);
}
