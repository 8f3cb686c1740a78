// What all parts share: the facts, elements, the state of the page and who watches it.

const report = JSON.parse(document.getElementById("report").textContent);
const SVG = "http://www.w3.org/2000/svg";
const SIGNS = { better: "▲", worse: "▼", same: "=", unsure: "?" };
const SLOTS = 8; // colours; then dashes tell lines apart
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];

const state = {
  slots: report.first, // the place in report.runs of what is selected, by colour; undefined where one is free
  open: null, // the run whose page is shown
  metric: report.main,
  x: "step",
  log: false,
  smooth: 0,
};
const watchers = [];

/** Have a part told of what changed: "selection", "open" or "curves". */
function watch(listener) {
  watchers.push(listener);
}

function changed(what) {
  for (const listener of watchers) listener(what);
}

/** An element; what it holds goes in as text or as elements, never as HTML. */
function make(name, facts = {}, ...content) {
  const drawn = name.startsWith("svg:");
  const node = drawn ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(facts)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...content.filter((one) => one !== null && one !== undefined && one !== false && one !== ""));
  return node;
}

/** The colour of a run in the pictures; 0 to SLOTS - 1 by its slot, none where it is not selected. */
function slotOf(run) {
  return state.slots.indexOf(run);
}

function select(run, wanted = slotOf(run) < 0) {
  if (wanted === slotOf(run) >= 0) return;
  if (wanted) {
    const free = state.slots.indexOf(undefined);
    state.slots[free < 0 ? state.slots.length : free] = run;
  } else state.slots[slotOf(run)] = undefined;
  changed("selection");
}

function selectOnly(runs) {
  state.slots = [...runs];
  changed("selection");
}

function selected() {
  return state.slots.filter((run) => run !== undefined);
}

function open(run) {
  state.open = run;
  changed("open");
}

/** The class that paints a sample of a run's colour. */
function swatch(run) {
  const slot = slotOf(run);
  return make("span", { class: slot < 0 ? "swatch" : `swatch s${slot % SLOTS}`, "aria-hidden": "true" });
}

function verdictMark(verdict) {
  return SIGNS[verdict] ? make("span", { class: `sign ${verdict}`, "aria-hidden": "true" }, SIGNS[verdict]) : null;
}

/** Numbers that Python packed: base64 behind the letter of their form. */
function unpacked(text) {
  const raw = atob(text.slice(1));
  const bytes = new Uint8Array(raw.length);
  for (let at = 0; at < raw.length; at++) bytes[at] = raw.charCodeAt(at);
  const view = new DataView(bytes.buffer);
  const size = text[0] === "f" ? 4 : 8;
  const values = new Float64Array(raw.length / size);
  for (let at = 0; at < values.length; at++) {
    values[at] = size === 4 ? view.getFloat32(at * 4, true) : view.getFloat64(at * 8, true);
  }
  return values;
}

/** A number as people read it: five significant digits at most. */
function shown(value) {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(3).replace(/\.?0+e/, "e").replace("+", "");
  return String(Number(value.toPrecision(size >= 1e4 ? 7 : 5)));
}

/** Seconds as `12 s`, `3:20`, `2:05:00`. */
function clock(seconds) {
  if (seconds < 0) return `-${clock(-seconds)}`;
  if (seconds < 60) return `${shown(seconds)} s`;
  const whole = Math.round(seconds);
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}
