let shown = null; // { group, run, move, kind }

function blobOf(index) {
  const holder = $(`#run-${index}`);
  return holder ? JSON.parse(holder.textContent) : null;
}

function csvLink(figure, run, ...names) {
  const have = names.filter((name) => run.folder && run.csv.includes(name));
  $(".csv", figure).replaceChildren(...have.flatMap((name, k) => [k ? " · " : "",
    node("a", { href: `${run.folder}/${name}.csv` }, have.length > 1 ? `${name}.csv` : "CSV")]));
}

function open(id, seed = 0, focus = true) {
  const group = page.groups[id];
  $("#pick-group").value = String(id);
  $("#pick-seed").replaceChildren(...group.runs.map((run, k) => node("option", { value: k }, `${run.seed}`)));
  $("#pick-seed").value = String(seed);
  setReference(focus ? group : null);
  const run = group.runs[seed], blob = blobOf(run.index);
  $("#detail-title").textContent = `${group.label} on ${group.dataset}, seed ${run.seed}`;
  $("#protocol").textContent = group.key;
  $("#recipe").textContent = group.recipe;
  $("#no-figures").hidden = Boolean(blob && Object.keys(blob.figures).length);
  for (const place of $$("#figures > figure")) place.hidden = !blob;
  shown = { group, run: blob, kind: "curve", at: {} };
  facts(group, run, blob);
  if (blob) {
    $("#advice").textContent = blob.advice || "";
    const calibrated = blob.numbers.calibrated !== null;
    $('[value="calibrated"]', $("#state")).disabled = !calibrated;
    if (!calibrated) $('[value="given"]', $("#state")).checked = true;
    numbers(blob.numbers);
    drawAll();
  }
  $("#advice").hidden = !blob || !blob.advice;
  if (focus) {
    $("#detail-title").focus({ preventScroll: true });
    $("#detail").scrollIntoView();
    history.replaceState(null, "", `#${encodeURIComponent(run.name)}`);
  }
}

function facts(group, run, blob) {
  const items = [["folder", run.name], ["time", `${run.seconds.toFixed(1)} s${run.threads ? `, ${run.threads} threads` : ""}`]];
  items.push(...Object.entries(run.environment));
  if (blob && blob.missing.length) items.push(["figures missing", blob.missing.join("; ")]);
  if (blob && blob.chosen) items.push(["chosen", blob.chosen]);
  if (blob) items.push(["test data scored", `${blob.test_reads} time${blob.test_reads === 1 ? "" : "s"}`]);
  $("#facts").replaceChildren(...items.map(([name, value]) => node("div", {}, node("dt", {}, name), node("dd", {}, String(value)))));
}

function numbers(found) {
  const rows = [["as given", { gamma: 0, ...found }], ["calibrated", found.calibrated], ["best on test, not a valid result", found.oracle]];
  const head = ["", "γ", "T1", "U", "S", "H", "AUSUC"].map((text) => node("th", { scope: "col", class: text ? "num" : null }, text));
  $("#numbers").replaceChildren(node("thead", {}, node("tr", {}, ...head)), node("tbody", {}, ...rows.filter(([, p]) => p).map(([name, p]) =>
    node("tr", {}, node("th", { scope: "row" }, name), node("td", { class: "num" }, short(p.gamma)), ...["T1", "U", "S", "H", "AUSUC"].map((key) => node("td", { class: "num" }, pct(p[key])))))));
}

function drawAll() {
  const { figures } = shown.run, run = shown.run;
  $("#fig-curve").hidden = !figures.curve;
  if (figures.curve) {
    $("#curve-kind").hidden = !figures.gate_curve;
    if (figures.gate_curve && !shown.at.curve) shown.kind = "gate_curve";
    if (!figures.gate_curve) shown.kind = "curve";
    $(`[value="${shown.kind}"]`, $("#curve-kind")).checked = true;
    csvLink($("#fig-curve"), run, "curve", "gate_curve");
    drawCurveCard();
  }
  drawDecisions();
  const losses = figures.losses || {}, host = $("#fig-losses .multiples");
  host.replaceChildren();
  $("#fig-losses").hidden = !figures.losses && !figures.validation;
  const validation = figures.validation ? [[`validation ${figures.validation.metric}`, figures.validation.lines, figures.validation.chosen]] : [];
  for (const [name, lines, mark] of [...validation, ...Object.entries(losses)]) {
    const box = node("div", {}, node("h4", {}, name));
    host.append(box);
    drawLines(box, lines, name, mark);
  }
  csvLink($("#fig-losses"), run, "losses", "validation");
  $("#fig-attention").hidden = !figures.attention;
  if (figures.attention) {
    const picture = $("#fig-attention img");
    picture.src = figures.attention.image;
    picture.alt = `heat maps over ${figures.attention.names.join(", ")}`;
    csvLink($("#fig-attention"), run, "attention");
  }
  $("#fig-features").hidden = !figures.features;
  if (figures.features) {
    drawFeatures($("#fig-features .plot"), $("#fig-features .keys"), figures.features);
    csvLink($("#fig-features"), run, "features");
  }
}

function drawCurveCard() {
  const figures = Object.fromEntries(["curve", "gate_curve"].filter((k) => shown.run.figures[k]).map((k) => [k, shown.run.figures[k]]));
  const curve = figures[shown.kind], slider = $("#gamma");
  shown.move = drawCurve($("#fig-curve .plot"), figures, shown.kind);
  $("#curve-keys").replaceChildren(...curveKeys(figures));
  slider.max = String(curve.gamma.length - 1);
  slider.value = String(shown.at[shown.kind] ?? curve.marks.chosen ?? curve.marks.given ?? 0);
  $("#jump").replaceChildren(...Object.keys(MARKS).filter((mark) => mark in curve.marks).map((mark) => {
    const button = node("button", { type: "button" }, MARKS[mark]);
    button.addEventListener("click", () => { slider.value = String(curve.marks[mark]); moved(); });
    return button;
  }));
  moved();
}

function moved() {
  const curve = shown.run.figures[shown.kind], k = Number($("#gamma").value), [u, s] = [curve.U[k], curve.S[k]];
  shown.at[shown.kind] = k;
  const values = { gamma: short(curve.gamma[k]), U: pct(u), S: pct(s), H: pct(harmonic(u, s)) };
  for (const [name, text] of Object.entries(values)) $(`#at-${name}`).textContent = text;
  $("#gamma").setAttribute("aria-valuetext", `gamma ${values.gamma}: U ${values.U}, S ${values.S}, H ${values.H}`);
  shown.move(k);
}

function drawDecisions() {
  const { figures } = shown.run, state = $("#state input:checked").value, found = shown.run.numbers;
  $("#fig-sides .plot").hidden = !figures.sides;
  const plain = found.U === null; // nothing but unseen classes was tested
  if (figures.sides) drawSides($("#fig-sides .plot"), figures.sides[state]);
  csvLink($("#fig-sides"), shown.run, "sides");
  const domain = state === "given" ? found.domain : found.calibrated.domain;
  $("#domain").textContent = domain ? `A random seen image has the larger margin than a random unseen one in ${pct(domain.auroc)} % of pairs (AUROC); ` +
    `${pct(domain.fpr95)} % of unseen images pass for seen where 95 % of seen ones are kept (FPR95).` : "";
  $("#fig-classes").hidden = !figures.classes;
  if (figures.classes) drawClassCard({ ...page.classes[figures.classes.key], ...figures.classes }, plain ? "zsl" : state === "given" ? "gzsl" : "calibrated", state);
  $("#fig-confused").hidden = !figures.confused;
  if (figures.confused) drawConfused(figures.confused[state]);
  $("#fig-confusion").hidden = !figures.confusion;
  if (figures.confusion) drawConfusion($("#fig-confusion .plot"), figures.confusion[state]);
  csvLink($("#fig-confusion"), shown.run, "confusion");
}

function drawClassCard(classes, column, state) {
  const point = state === "given" ? shown.run.numbers : shown.run.numbers.calibrated;
  const order = drawClasses($("#fig-classes .plot"), classes, column, column === "zsl" ? { T1: point.T1 } : { U: point.U, S: point.S });
  csvLink($("#fig-classes"), shown.run, "classes");
  const named = (ks) => ks.map((k) => `${plainName(classes.name[k])} (${classes.unseen[k] ? "unseen" : "seen"}, ${pct(classes[column][k])})`).join(", ");
  $("#class-text").replaceChildren(node("span", { class: "dot" }), "seen  ", node("span", { class: "dot u" }), `unseen. Hardest: ${named(order.slice(0, 3))}. Easiest: ${named(order.slice(-3).reverse())}.`);
  const list = $("#class-list"), host = $(".scroll", list);
  host.replaceChildren();
  const fill = () => {
    if (!list.open || host.firstChild) return;
    const cells = (k) => [node("th", { scope: "row" }, plainName(classes.name[k])), node("td", {}, classes.unseen[k] ? "unseen" : "seen"),
      ...[String(classes.images[k]), ...["gzsl", "calibrated", "zsl"].map((c) => pct(classes[c] ? classes[c][k] : null))].map((t) => node("td", { class: "num" }, t))];
    const head = ["class", "side", "images", "as given", "calibrated", "among unseen"].map((t, k) => node("th", { scope: "col", class: k > 1 ? "num" : null }, t));
    host.append(node("table", {}, node("thead", {}, node("tr", {}, ...head)), node("tbody", {}, ...order.map((k) => node("tr", {}, ...cells(k))))));
  };
  list.ontoggle = fill;
  fill();
}

function drawConfused(pairs) {
  const named = (name, side) => [node("span", { class: `dot${side === "unseen" ? " u" : ""}`, title: side }), plainName(name), node("span", { class: "sr" }, ` (${side})`)];
  const head = ["class", "taken for", "n", "share"].map((text, k) => node("th", { scope: "col", class: k > 1 ? "num" : null }, text));
  $("#fig-confused .plot").replaceChildren(node("table", { class: "confused" }, node("caption", { class: "small soft" }, "n: images of the class that were taken for the other one; share: of all its images"),
    node("thead", {}, node("tr", {}, ...head)), node("tbody", {}, ...pairs.map((pair) =>
    node("tr", {}, node("td", {}, ...named(pair.class, pair.kind)), node("td", {}, ...named(pair.taken_for, pair.taken_for_kind)), node("td", { class: "num" }, String(pair.rows)), node("td", { class: "num" }, `${pct(pair.share)}\u00a0%`))))));
  csvLink($("#fig-confused"), shown.run, "confused");
}

function start() {
  startBoard(open);
  $("#pick-group").addEventListener("change", (event) => { open(Number(event.target.value), 0, false); setReference(shown.group); });
  $("#pick-seed").addEventListener("change", (event) => { open(Number($("#pick-group").value), Number(event.target.value), false); setReference(shown.group); });
  $("#gamma").addEventListener("input", moved);
  $("#state").addEventListener("change", drawDecisions);
  $("#curve-kind").addEventListener("change", (event) => { shown.kind = event.target.value; drawCurveCard(); });
  let width = window.innerWidth, waiting = 0;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width || !shown.run) return;
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 100);
  });
  const asked = decodeURIComponent(location.hash.slice(1));
  const found = page.groups.flatMap((group, id) => group.runs.map((run, seed) => [id, seed, run.name])).find(([, , name]) => name === asked);
  if (found) open(found[0], found[1], false);
  else open(0, 0, false);
}
start();
