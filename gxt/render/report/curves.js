// Metrics over time: what to draw, how, and the legend.

const MOST_PANELS = 60;

/** The curves of a run for a metric: {run, logged, step, time, value, means}; unpacked when first drawn. */
const curvesOf = (() => {
  const known = new Map();
  return (run, metric) => {
    const key = `${run} ${metric}`;
    if (!known.has(key)) {
      const packed = report.runs[run].curves[metric] || [];
      known.set(key, packed.map(([id, logged, step, time, value, ...means]) => ({
        id,
        logged,
        step: unpacked(step),
        time: unpacked(time),
        value: unpacked(value),
        means: means.length ? means.map(unpacked) : null,
      })));
    }
    return known.get(key);
  };
})();

/**
 * An exponential moving average that begins at the first value, corrected as Adam's are. Of a curve that was
 * reduced the means of its stretches are averaged, each with the weight of all of its points: that is the
 * average of what was logged, and not of its lowest and highest values.
 */
function smoothed(curve, weight) {
  const [step, time, value, count] = curve.means || [curve.step, curve.time, curve.value, null];
  const ys = new Float64Array(value.length);
  let [total, norm] = [0, 0];
  for (let at = 0; at < value.length; at++) {
    const kept = weight ** (count ? count[at] : 1);
    if (drawable(value[at])) {
      total = total * kept + value[at] * (1 - kept);
      norm = norm * kept + (1 - kept);
      ys[at] = total / norm;
    } else ys[at] = value[at];
  }
  return { step, time, ys };
}

/** The lines of a metric: others pale behind those that are selected, raw ones behind smooth ones. */
function linesOf(metric) {
  const order = [...report.runs.keys()].sort((a, b) => (slotOf(a) >= 0) - (slotOf(b) >= 0) || b - a);
  const [raw, smooth] = [[], []];
  for (const run of order) {
    const curves = curvesOf(run, metric);
    for (const curve of curves) {
      const label = `${curve.id} ${report.runs[run].title}`;
      const shared = { run, label, thin: curves.length > 1 };
      const isSmooth = state.smooth > 0 && slotOf(run) >= 0;
      raw.push({ ...shared, xs: curve[state.x], ys: curve.value, raw: isSmooth });
      if (isSmooth) {
        const found = smoothed(curve, state.smooth);
        smooth.push({ ...shared, xs: found[state.x], ys: found.ys });
      }
    }
  }
  return [...raw, ...smooth];
}

const HINT = "Drag to zoom, double-click to see all; with the keyboard + − ← → 0.";

/** A plot with its caption, and what draws it again; `metric` tells which one it shows. */
function panel(height, metric) {
  const plot = new Plot(height);
  const caption = make("p", { class: "caption" });
  const redraw = () => {
    const one = report.metrics[metric()];
    const wish = { max: " (higher is better)", min: " (lower is better)" }[one.goal] || "";
    plot.names = { x: state.x === "time" ? "time since the start" : "step", y: one.name };
    plot.clock = state.x === "time";
    plot.log = state.log;
    plot.lines = linesOf(metric());
    plot.draw();
    caption.textContent = one.name + wish;
  };
  watch((what) => what !== "open" && redraw());
  queueMicrotask(redraw);
  return { plot, box: make("div", { class: "panel" }, caption, plot.host) };
}

/** Of several runs a metric at a time. */
function curvesSection() {
  if (!report.metrics.length) return null;
  const { plot, box } = panel(380, () => state.metric);
  const legend = make("ul", { class: "legend", "aria-label": "Selected runs" });
  const list = () => legend.replaceChildren(...selected().map(legendEntry));
  watch((what) => what !== "open" && list());
  list();
  return make("section", { class: "curves" }, make("h2", {}, "Curves"), curveTools([plot], true), box, legend,
    make("p", { class: "hint" }, HINT));
}

/** Of one run all metrics, side by side. */
function panelsSection() {
  const panels = report.metrics.slice(0, MOST_PANELS).map((_, metric) => panel(210, () => metric));
  if (!panels.length) return null;
  const left = report.metrics.length - panels.length;
  return make("section", { class: "curves" }, make("h2", {}, "Curves"), curveTools(panels.map(({ plot }) => plot), false),
    make("div", { class: "panels" }, ...panels.map(({ box }) => box)),
    left ? make("p", { class: "notice" }, `The curves of ${left} more metrics are left out.`) : null,
    make("p", { class: "hint" }, HINT));
}

function legendEntry(run) {
  const one = report.runs[run];
  const hasIt = state.metric in one.curves;
  return make("li", { class: hasIt ? null : "without" }, swatch(run),
    make("button", { class: "link", onclick: () => open(run) }, one.id),
    make("span", { class: "name" }, ` ${one.title}`), hasIt ? null : ` (no ${report.metrics[state.metric].name})`,
    make("button", { class: "quiet", "aria-label": `Take ${one.id} out of the picture`, onclick: () => select(run, false) }, "×"));
}

function curveTools(plots, chooses) {
  const seeAll = () => plots.forEach((plot) => plot.show(null));
  const set = (key, read) => (event) => {
    state[key] = read(event.target);
    if (key === "x") seeAll();
    changed("curves");
  };
  const metrics = report.metrics.map((one, at) => make("option", { value: at, selected: at === state.metric }, one.name));
  const weight = make("output", {}, "none");
  const smoothing = make("input", {
    type: "range", min: 0, max: 0.99, step: 0.01, value: 0, "aria-label": "Smoothing",
    oninput: (event) => {
      weight.textContent = Number(event.target.value) ? event.target.value : "none";
      set("smooth", (target) => Number(target.value))(event);
    },
  });
  return make("div", { class: "tools" },
    chooses && make("label", {}, "Metric ", make("select", { id: "metric", onchange: set("metric", (t) => Number(t.value)) }, ...metrics)),
    make("label", {}, chooses ? "over " : "Over ", make("select", { id: "x", onchange: set("x", (t) => t.value) },
      make("option", { value: "step" }, "step"), make("option", { value: "time" }, "time"))),
    make("label", {}, make("input", { type: "checkbox", id: "log", onchange: set("log", (t) => t.checked) }), " log"),
    make("label", { class: "smooth" }, "Smoothing ", smoothing, weight),
    make("button", { onclick: seeAll }, "See all"));
}
