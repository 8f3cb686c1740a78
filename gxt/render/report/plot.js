// Lines on a canvas: axes, zoom by dragging or by keys, the value under the pointer.

const MARGIN = { left: 64, right: 14, top: 12, bottom: 40 };
const LEAST_DRAG = 4; // pixels
const NEAR = 40; // pixels
const EDGE = 6; // pixels beside the axes where the mark of a first or last point is still seen
const LEAST_LOG = 1e-150;
const LEAST_ZOOM = 1e-9; // of where it is: a double tells no more places apart
const DAY = 86400; // seconds

class Plot {
  /** @param lines of {xs, ys, run, label, thin, raw}; `clock` tells that x is seconds. */
  constructor(height) {
    this.lines = [];
    this.names = { x: "", y: "" };
    this.clock = false;
    this.log = false;
    this.zoom = null;
    this.height = height;
    this.canvas = make("canvas", { class: "lines" });
    this.over = make("canvas", { class: "over" });
    this.tip = make("div", { class: "tip", hidden: true });
    this.host = make(
      "div",
      {
        class: "plot",
        tabindex: "0",
        role: "img",
        onpointerdown: (event) => this.press(event),
        onpointermove: (event) => this.move(event),
        onpointerup: (event) => this.release(event),
        onpointercancel: () => this.cancel(),
        onpointerleave: () => this.leave(),
        ondblclick: () => this.show(null),
        onkeydown: (event) => this.key(event),
      },
      this.canvas,
      this.over,
      this.tip,
    );
    this.host.style.height = `${height}px`;
    new ResizeObserver(() => this.host.clientWidth !== this.width && this.draw()).observe(this.host);
    for (const look of ["(prefers-color-scheme: dark)", "print"]) {
      matchMedia(look).addEventListener("change", () => this.draw());
    }
  }

  show(zoom) {
    if (zoom && zoom[1] - zoom[0] < LEAST_ZOOM * Math.max(...zoom.map(Math.abs))) return;
    this.zoom = zoom;
    this.draw();
  }

  /** Draw what there is within the zoom; y fits to what is seen. */
  draw() {
    const width = this.host.clientWidth;
    if (!width) return;
    this.width = width;
    const css = getComputedStyle(this.host);
    this.colour = (name) => css.getPropertyValue(name).trim();
    const context = fitted(this.canvas, width, this.height);
    fitted(this.over, width, this.height);
    this.area = { left: MARGIN.left, top: MARGIN.top, right: width - MARGIN.right, bottom: this.height - MARGIN.bottom };
    this.hasPlace = this.log ? (value) => drawable(value) && value > LEAST_LOG : drawable;
    this.x = this.zoom || extent(this.lines.map((line) => line.xs));
    this.y = this.heights();
    this.describe();
    this.axes(context);
    context.save();
    context.beginPath();
    const { left, right, top, bottom } = this.area;
    context.rect(left - EDGE, top, right - left + 2 * EDGE, bottom - top);
    context.clip();
    for (const line of this.lines) this.stroke(context, line);
    context.restore();
    if (!this.lines.some((line) => line.ys.subarray(...this.rows(line)).some(this.hasPlace))) this.say(context);
  }

  heights() {
    const found = extent(this.lines.map((line) => line.ys), this.lines.map((line) => line.xs), this.zoom, this.hasPlace);
    if (this.log) {
      const pad = Math.max(0.02, Math.log10(found[1] / found[0]) * 0.05);
      return [found[0] / 10 ** pad, found[1] * 10 ** pad];
    }
    const pad = (found[1] - found[0]) * 0.05;
    return [found[0] - pad, found[1] + pad];
  }

  describe() {
    const told = this.clock ? clock : shown;
    const from = `${this.names.x} from ${told(this.x[0])} to ${told(this.x[1])}`;
    const count = new Set(this.lines.map((line) => line.run)).size;
    this.host.setAttribute("aria-label", `${this.names.y} by ${from}, ${count === 1 ? "1 run" : `${count} runs`}`);
  }

  toX(value) {
    return this.area.left + ((value - this.x[0]) / (this.x[1] - this.x[0])) * (this.area.right - this.area.left);
  }

  toY(value) {
    const [low, high] = this.log ? this.y.map(Math.log10) : this.y;
    const part = ((this.log ? Math.log10(value) : value) - low) / (high - low);
    return this.area.bottom - part * (this.area.bottom - this.area.top);
  }

  fromX(pixel) {
    return this.x[0] + ((pixel - this.area.left) / (this.area.right - this.area.left)) * (this.x[1] - this.x[0]);
  }

  axes(context) {
    const { left, right, top, bottom } = this.area;
    context.font = `12px ${getComputedStyle(this.host).fontFamily}`;
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const value of this.log ? decades(this.y) : ticks(this.y, 6)) {
      const y = Math.round(this.toY(value)) + 0.5;
      context.strokeStyle = this.colour("--grid");
      context.beginPath();
      context.moveTo(left, y);
      context.lineTo(right, y);
      context.stroke();
      context.fillStyle = this.colour("--muted");
      context.fillText(shown(value), left - 8, y);
    }
    context.textAlign = "center";
    const steps = this.clock ? clockTicks(this.x, (right - left) / 110) : ticks(this.x, (right - left) / 110, 1);
    for (const value of steps) context.fillText((this.clock ? clock : shown)(value), this.toX(value), bottom + 14);
    context.strokeStyle = this.colour("--line");
    context.beginPath();
    context.moveTo(left, bottom + 0.5);
    context.lineTo(right, bottom + 0.5);
    context.stroke();
    context.textAlign = "right";
    context.fillText(this.names.x, right, bottom + 31);
  }

  /** From which row of a line to which it is seen. */
  rows(line) {
    return this.zoom ? within(line.xs, this.zoom) : [0, line.xs.length];
  }

  stroke(context, line) {
    const slot = slotOf(line.run);
    context.strokeStyle = this.colour(slot < 0 ? "--pale" : `--s${slot % SLOTS}`);
    context.globalAlpha = line.raw ? 0.28 : 1;
    context.lineWidth = slot < 0 || line.raw ? 1 : line.thin ? 1.2 : 1.8;
    context.setLineDash(slot < 0 ? [] : DASHES[Math.floor(slot / SLOTS) % DASHES.length]);
    context.lineJoin = "round";
    const [start, stop] = this.rows(line);
    const lost = [];
    let drawing = false;
    context.beginPath();
    for (let at = start; at < stop; at++) {
      const value = line.ys[at];
      if (!this.hasPlace(value)) {
        if (drawing && !drawable(value)) lost.push(at - 1);
        drawing = false;
        continue;
      }
      const x = this.toX(line.xs[at]);
      const y = this.toY(value);
      if (drawing) context.lineTo(x, y);
      else context.moveTo(x, y);
      drawing = true;
    }
    context.stroke();
    context.setLineDash([]);
    for (const at of stop - start <= 60 ? range(start, stop) : []) this.dot(context, line, at, 2.2);
    for (const at of lost) cross(context, this.toX(line.xs[at]), this.toY(line.ys[at]));
    context.globalAlpha = 1;
  }

  /** Why the picture is empty. */
  say(context) {
    const words = this.zoom ? "nothing here: double-click to see all" : this.log ? "nothing above zero" : "nothing that can be drawn";
    context.textAlign = "center";
    context.fillStyle = this.colour("--muted");
    context.fillText(words, (this.area.left + this.area.right) / 2, (this.area.top + this.area.bottom) / 2);
  }

  dot(context, line, at, radius) {
    if (!this.hasPlace(line.ys[at])) return;
    context.fillStyle = context.strokeStyle;
    context.beginPath();
    context.arc(this.toX(line.xs[at]), this.toY(line.ys[at]), radius, 0, 7);
    context.fill();
  }

  press(event) {
    if (event.button !== 0 || !this.area) return;
    this.from = this.place(event)[0];
    this.host.setPointerCapture(event.pointerId);
  }

  place(event) {
    const box = this.host.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  move(event) {
    if (!this.area) return;
    const [x, y] = this.place(event);
    const context = fitted(this.over, this.host.clientWidth, this.height);
    if (this.from !== undefined) {
      this.tip.hidden = true;
      context.fillStyle = this.colour("--veil");
      context.fillRect(this.from, this.area.top, x - this.from, this.area.bottom - this.area.top);
      return;
    }
    this.point(context, x, y);
  }

  /** Tell the value nearest to the pointer; of selected runs before others. */
  point(context, x, y) {
    let best = null;
    for (const line of this.lines) {
      if (line.raw) continue;
      const extra = slotOf(line.run) < 0 ? 12 : 0;
      const [start, stop] = within(line.xs, [this.fromX(x - NEAR), this.fromX(x + NEAR)]);
      for (let at = start; at < stop; at++) {
        if (!this.hasPlace(line.ys[at])) continue;
        const away = Math.hypot(this.toX(line.xs[at]) - x, this.toY(line.ys[at]) - y) + extra;
        if (away < NEAR && (!best || away < best.away)) best = { away, line, at };
      }
    }
    this.tip.hidden = !best;
    if (!best) return;
    const { line, at } = best;
    const [left, top] = [this.toX(line.xs[at]), this.toY(line.ys[at])];
    const slot = slotOf(line.run);
    context.strokeStyle = this.colour(slot < 0 ? "--muted" : `--s${slot % SLOTS}`);
    this.dot(context, line, at, 4);
    const where = this.clock ? clock(line.xs[at]) : `${this.names.x} ${shown(line.xs[at])}`;
    this.tip.replaceChildren(
      make("div", { class: "name" }, swatch(line.run), line.label),
      make("div", {}, make("b", {}, shown(line.ys[at])), ` · ${where}`),
    );
    const onRight = left > this.host.clientWidth / 2;
    this.tip.style.left = onRight ? "" : `${left + 14}px`;
    this.tip.style.right = onRight ? `${this.host.clientWidth - left + 14}px` : "";
    this.tip.style.top = `${Math.max(0, top - 20)}px`;
  }

  release(event) {
    if (this.from === undefined) return;
    const [from, to] = [this.from, this.place(event)[0]].sort((a, b) => a - b);
    this.from = undefined;
    fitted(this.over, this.host.clientWidth, this.height);
    if (to - from < LEAST_DRAG) return;
    const wanted = [this.fromX(Math.max(from, this.area.left)), this.fromX(Math.min(to, this.area.right))];
    if (wanted[1] > wanted[0]) this.show(wanted);
  }

  /** The browser has taken a touch for itself, to scroll. */
  cancel() {
    this.from = undefined;
    this.leave();
  }

  leave() {
    if (this.from !== undefined) return;
    fitted(this.over, this.host.clientWidth, this.height);
    this.tip.hidden = true;
  }

  key(event) {
    if (!this.x) return;
    const width = this.x[1] - this.x[0];
    const middle = this.x[0] + width / 2;
    const moves = {
      "+": () => [middle - width / 4, middle + width / 4],
      "=": () => [middle - width / 4, middle + width / 4],
      "-": () => (this.zoom ? [middle - width, middle + width] : null),
      ArrowLeft: () => this.zoom && [this.x[0] - width / 4, this.x[1] - width / 4],
      ArrowRight: () => this.zoom && [this.x[0] + width / 4, this.x[1] + width / 4],
      0: () => null,
      Escape: () => null,
    };
    if (!moves[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.show(moves[event.key]());
  }
}

/** Whether a value has a place in a picture: beyond this what lays out axes would overflow. */
function drawable(value) {
  return Math.abs(value) < 1e150;
}

/** The drawing context of a canvas, empty and as sharp as the screen is. */
function fitted(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** The least and the greatest value that has a place; only where x lies in the zoom, if there is one. */
function extent(columns, places = [], zoom = null, hasPlace = drawable) {
  let [low, high] = [Infinity, -Infinity];
  columns.forEach((values, nth) => {
    const [start, stop] = zoom ? within(places[nth], zoom) : [0, values.length];
    for (let at = start; at < stop; at++) {
      const value = values[at];
      if (!hasPlace(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  });
  if (low > high) return hasPlace(0) ? [0, 1] : [1, 10];
  if (low === high) return low === 0 ? [-1, 1] : [low - Math.abs(low) / 10, high + Math.abs(high) / 10];
  return [low, high];
}

/** The rows between which a line crosses a range of x; steps may go back, then it is all between. */
function within(xs, [low, high]) {
  const crosses = (at) => {
    const [here, next] = [xs[at], xs[at + 1 < xs.length ? at + 1 : at]];
    return Math.max(here, next) >= low && Math.min(here, next) <= high;
  };
  let first = 0;
  while (first < xs.length && !crosses(first)) first++;
  let last = xs.length - 1;
  while (last > first && !crosses(last)) last--;
  return [first, Math.min(xs.length, last + 2)];
}

function range(start, stop) {
  return Array.from({ length: Math.max(0, stop - start) }, (_, at) => start + at);
}

/** Round numbers that divide a range into about so many parts, no closer than `least`. */
function ticks([low, high], parts, least = 0) {
  const rough = (high - low) / Math.max(2, parts);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((one) => one * power >= rough);
  return multiples(low, high, Math.max(step, least));
}

function clockTicks([low, high], parts) {
  const rough = (high - low) / Math.max(2, parts);
  if (rough < 1) return ticks([low, high], parts);
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, DAY];
  const step = steps.find((one) => one >= rough);
  return step ? multiples(low, high, step) : ticks([low / DAY, high / DAY], parts).map((days) => days * DAY);
}

function multiples(low, high, step) {
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high && found.length < 100; at++) found.push(at * step);
  return found;
}

/** Powers of ten in a range, with 2 and 5 between where they are few. */
function decades([low, high]) {
  const found = [];
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const apart = Math.max(1, Math.ceil((last - first) / 8));
  for (let power = first; power <= last; power += apart) {
    for (const part of last - first > 3 ? [1] : [1, 2, 5]) found.push(part * 10 ** power);
  }
  const seen = found.filter((value) => value >= low && value <= high);
  return seen.length > 1 ? seen : ticks([low, high], 5).filter((value) => value > 0);
}

function cross(context, x, y) {
  context.lineWidth = 1.5;
  context.beginPath();
  for (const [dx, dy] of [[4, 4], [4, -4]]) {
    context.moveTo(x - dx, y - dy);
    context.lineTo(x + dx, y + dy);
  }
  context.stroke();
}
