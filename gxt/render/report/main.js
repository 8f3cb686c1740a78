// Puts the page together.

/** What a single run came to. */
function result(one) {
  const change = make("span", { class: `change ${one.verdict}`, title: one.why || null }, verdictMark(one.verdict), " ", one.change);
  return make("p", { class: "verdict" }, make("b", {}, one.value), "  ", change);
}

function singleRun() {
  const [facts, ...sections] = runPage(0, "h2");
  return [facts, panelsSection(), make("div", { class: "page" }, ...sections)];
}

function severalRuns() {
  return [treeSection(), curvesSection(), tableSection(), drawer()];
}

{
  const isSingle = report.runs.length === 1;
  const notices = report.notices.map((text) => make("p", { class: "notice" }, text));
  const header = make("header", {},
    make("p", { class: "kicker" }, "gxt report"),
    make("h1", {}, report.title),
    make("p", { class: "about" }, report.about.join("  ·  ")),
    ...notices);
  if (isSingle && report.runs[0].value) header.append(result(report.runs[0]));
  document.getElementById("page").replaceChildren(header, ...(isSingle ? singleRun() : severalRuns()).filter(Boolean));
  // a colour behind all of the rows would tell nothing
  const paint = () => document.body.classList.toggle("some", selected().length < report.runs.length);
  watch((what) => what === "selection" && paint());
  paint();
  document.documentElement.dataset.ready = "yes";
}
