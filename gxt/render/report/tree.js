// The evolution tree: lanes and nodes as SVG beside a row for each run; subtrees fold.

const ROW = 30;
const LANE = 18;
const folded = new Set(); // rows of report.tree

function treeSection() {
  const isTree = report.tree.some(([, , size]) => size > 1);
  if (report.runs.length < 2 || !isTree) return null;
  const lanes = make("svg:svg", { class: "lanes", "aria-hidden": "true" });
  const rows = make("div", { role: "tree", "aria-label": "Evolution tree", "aria-multiselectable": "true" });
  const picture = make("div", { class: "forest" }, lanes, rows);
  const redraw = () => drawTree(lanes, rows);
  watch((what) => what === "selection" && paintTree(lanes, rows));
  redraw();
  rows.addEventListener("keydown", (event) => treeKey(event, rows, redraw));
  rows.addEventListener("click", (event) => treeClick(event, redraw));
  return make("section", { class: "tree" }, make("h2", {}, "Evolution"), picture,
    make("p", { class: "hint" }, "A click selects a run for the curves; ",
      ...["better", "worse", "same", "unsure"].flatMap((word) => [verdictMark(word), ` ${word === "unsure" ? "not sure" : word}  `]),
      "than its parent."));
}

/** The rows that are seen, each with the row of its parent and how many are above it; what a fold hides is left out. */
function visibleRows() {
  const found = [];
  const above = []; // the ancestors of the row that is looked at: [row, where it ends]
  for (let row = 0; row < report.tree.length; ) {
    const size = report.tree[row][2];
    while (above.length && row >= above[above.length - 1][1]) above.pop();
    found.push({ row, parent: above.length ? above[above.length - 1][0] : null, depth: above.length });
    above.push([row, row + size]);
    row += folded.has(row) ? size : 1;
  }
  return found;
}

function drawTree(lanes, rows) {
  const visible = visibleRows();
  const width = (Math.max(...visible.map(({ row }) => report.tree[row][1])) + 1) * LANE + 10;
  const places = new Map(visible.map(({ row }, at) => [row, [report.tree[row][1] * LANE + 12, at * ROW + ROW / 2]]));
  lanes.setAttribute("width", width);
  lanes.setAttribute("height", visible.length * ROW);
  const edges = visible.filter(({ parent }) => parent !== null).map(({ row, parent }) => {
    const [[x, y], [fromX, fromY]] = [places.get(row), places.get(parent)];
    const way = x === fromX ? `M${fromX} ${fromY}V${y}` : `M${fromX} ${fromY}V${y - 9}Q${fromX} ${y} ${fromX + 9} ${y}H${x}`;
    return make("svg:path", { d: way, class: report.tree[row][3] ? "far" : null });
  });
  const nodes = visible.map(({ row }) => {
    const [x, y] = places.get(row);
    const run = report.tree[row][0];
    return make("svg:circle", { cx: x, cy: y, r: 5, class: report.runs[run].verdict, "data-run": run });
  });
  lanes.replaceChildren(...edges, ...nodes);
  rows.replaceChildren(...visible.map(treeRow));
  rows.style.marginLeft = `${width}px`;
  if (rows.firstChild) rows.firstChild.tabIndex = 0;
  paintTree(lanes, rows);
}

function treeRow({ row, parent, depth }) {
  const [run, , size] = report.tree[row];
  const one = report.runs[run];
  const isFolded = folded.has(row);
  const below = size - 1;
  const facts = {
    role: "treeitem", tabindex: "-1", "data-row": row, "data-run": run, "data-parent": parent, "aria-level": depth + 1,
    "aria-expanded": below ? String(!isFolded) : null, title: one.why || null,
  };
  return make("div", facts,
    below ? make("button", { class: "fold", tabindex: "-1", "aria-label": isFolded ? "Unfold" : "Fold" }, isFolded ? `+${below}` : "−")
      : make("span", { class: "fold" }),
    make("button", { class: "link id", tabindex: "-1" }, one.id),
    make("span", { class: "name" }, one.title),
    one.status === "completed" ? null : make("span", { class: /\bfailed$/.test(one.status) ? "status failed" : "status" }, one.status),
    make("span", { class: "value" }, one.value),
    make("span", { class: `change ${one.verdict}` }, verdictMark(one.verdict), " ", one.change));
}

function paintTree(lanes, rows) {
  const colour = (node) => {
    const slot = slotOf(Number(node.dataset.run));
    for (const name of [...node.classList]) if (/^(s\d|selected)$/.test(name)) node.classList.remove(name);
    if (slot >= 0) node.classList.add("selected", `s${slot % SLOTS}`);
    return slot >= 0;
  };
  for (const node of lanes.querySelectorAll("circle")) colour(node);
  for (const node of rows.children) node.setAttribute("aria-selected", String(colour(node)));
}

function toggleFold(row, redraw) {
  if (!folded.delete(row)) folded.add(row);
  redraw();
}

function treeClick(event, redraw) {
  const item = event.target.closest("[role=treeitem]");
  if (!item) return;
  const run = Number(item.dataset.run);
  if (event.target.closest("button.fold")) toggleFold(Number(item.dataset.row), redraw);
  else if (event.target.closest("button.id")) open(run);
  else select(run);
}

function treeKey(event, rows, redraw) {
  const item = event.target.closest("[role=treeitem]");
  if (!item) return;
  const row = Number(item.dataset.row);
  const move = (next) => {
    if (!next) return;
    for (const one of rows.children) one.tabIndex = one === next ? 0 : -1;
    next.focus();
  };
  const at = (place) => rows.querySelector(`[data-row="${place}"]`);
  const hasFold = (wanted) => report.tree[row][2] > 1 && folded.has(row) === wanted;
  const toggle = () => {
    toggleFold(row, redraw);
    move(at(row));
  };
  const keys = {
    ArrowDown: () => move(item.nextElementSibling),
    ArrowUp: () => move(item.previousElementSibling),
    Home: () => move(rows.firstElementChild),
    End: () => move(rows.lastElementChild),
    ArrowLeft: () => hasFold(false) ? toggle() : move(at(item.dataset.parent)),
    ArrowRight: () => hasFold(true) ? toggle() : null,
    " ": () => select(Number(item.dataset.run)),
    Enter: () => open(Number(item.dataset.run)),
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
}
