// The page of a run, as `gxt show` has it: beside the others, or alone.

const LONG_LABEL = 32; // characters; it is parted so that there is room beside it

function runPage(run, level) {
  const one = report.runs[run];
  const sections = [make("section", { class: "facts" })];
  for (const block of one.page) {
    if (block.section !== undefined) sections.push(make("section", {}, make(level, {}, block.section)));
    else sections[sections.length - 1].append(block.line ? spans("p", block.line) : pageTable(block));
  }
  const images = one.images.map(([name, step, source]) => make("figure", {},
    make("img", { src: source, alt: name, loading: "lazy" }),
    make("figcaption", {}, step === null ? name : `${name} · step ${step}`)));
  if (images.length) sections.push(make("section", {}, make(level, {}, "Images"), make("div", { class: "images" }, ...images)));
  return sections;
}

function spans(name, line, facts = {}) {
  return make(name, facts, ...line.map(([text, role]) => role ? make("span", { class: `r-${role}` }, text) : text));
}

function pageTable({ head, right, rows }) {
  const look = (text, at) => right[at] ? "number" : at === 0 && text.length > LONG_LABEL ? "long" : null;
  const body = rows.map((row) => make("tr", {}, ...row.map((one, at) => spans("td", [one], { class: look(one[0], at) }))));
  const heads = head && make("thead", {},
    make("tr", {}, ...head.map((name, at) => make("th", { scope: "col", class: right[at] ? "number" : null }, name))));
  return make("div", { class: head ? "wide whole" : "wide" }, make("table", { class: head ? null : "pairs" }, heads, make("tbody", {}, ...body)));
}

function drawer() {
  const content = make("div");
  const panel = make("dialog", { class: "drawer", "aria-labelledby": "opened", onclose: () => { state.open = null; } }, content);
  watch((what) => {
    if (what !== "open" || state.open === null) return;
    const one = report.runs[state.open];
    content.replaceChildren(
      make("button", { class: "close", "aria-label": "Close", onclick: () => panel.close() }, "×"),
      make("h2", { id: "opened" }, make("span", { class: "id" }, one.id), " ", one.title), ...runPage(state.open, "h3"));
    if (!panel.open) panel.show();
    panel.scrollTop = 0;
    panel.querySelector("button").focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel.open) panel.close();
  });
  return panel;
}
