const SHAPES = {
  given: (x, y) => shape("circle", { class: "given", cx: x, cy: y, r: 5 }),
  chosen: (x, y) => shape("rect", { class: "chosen", x: x - 5, y: y - 5, width: 10, height: 10 }),
  oracle: (x, y) => shape("path", { class: "oracle", d: `M${x} ${y - 6}l6 6l-6 6l-6 -6z` }),
};
const MARKS = { given: "as given, γ = 0", chosen: "chosen on validation", oracle: "best on test: not a valid result" };

function drawCurve(host, figures, kind, at, numbers) {
  const own = figures[kind], all = [figures.curve, figures.gate_curve].filter(Boolean);
  const top = Math.min(1, Math.ceil(10 * Math.max(...all.flatMap((c) => [...c.U, ...c.S])) + 0.01) / 10);
  const height = Math.round(Math.min(Math.max(host.clientWidth * 0.8, 240), 400));
  const f = frame(host, { height, x: [0, top], y: [0, top], xLabel: "U, unseen classes, %", yLabel: "S, seen classes, %",
    format: (v) => Math.round(100 * v), label: `Seen-unseen curve, area ${pct(own.AUSUC)} percent` });
  for (let h = 0.1; h < top - 0.02; h += 0.1) {
    const points = [];
    for (let k = 0; k <= 60; k++) {
      const u = h / (2 - h / top) + ((top - h / (2 - h / top)) * k) / 60, s = (h * u) / (2 * u - h);
      if (u <= top && s <= top + 1e-9) points.push([f.sx(u), f.sy(s)]);
    }
    f.svg.append(shape("path", { class: "iso", d: line(points) }));
    f.svg.append(shape("text", { x: f.sx(h) + 3, y: f.sy(h) - 3 }, `H ${Math.round(100 * h)}`));
  }
  for (const [name, curve] of Object.entries(figures)) {
    f.svg.append(shape("path", { class: name === kind ? "curve" : "other", d: line(curve.U.map((u, k) => [f.sx(u), f.sy(curve.S[k])])) }));
  }
  for (const curve of all) {
    for (const [mark, k] of Object.entries(curve.marks)) {
      f.svg.append(titled(SHAPES[mark](f.sx(curve.U[k]), f.sy(curve.S[k])), `${MARKS[mark]}: U ${pct(curve.U[k])}, S ${pct(curve.S[k])}`));
    }
  }
  const cross = shape("path", { class: "cross" }), now = shape("circle", { class: "now", r: 8 });
  f.svg.append(cross, now);
  return (k) => {
    const x = f.sx(own.U[k]), y = f.sy(own.S[k]);
    now.setAttribute("cx", x);
    now.setAttribute("cy", y);
    cross.setAttribute("d", `M${x} ${f.bottom}V${y}H${f.left}`);
  };
}

function curveKeys(figures) {
  return ["given", "chosen", "oracle"].filter((mark) => Object.values(figures).some((curve) => mark in curve.marks)).map((mark) => {
    const icon = shape("svg", { width: 14, height: 14, "aria-hidden": "true" });
    icon.append(SHAPES[mark](7, 7));
    return node("li", {}, icon, MARKS[mark]);
  });
}

function drawSides(host, blocks) {
  const cell = (block) => {
    const made = node("td", { style: `background: color-mix(in srgb, var(--${block.predicted}) ${Math.round(6 + 24 * block.share)}%, var(--paper))` },
      node("strong", {}, `${pct(block.share)}\u00a0%`), node("span", { class: "small" }, `${block.rows} images`));
    if (block.right_class > 0) made.append(node("br"), node("span", { class: "small" }, `right class ${pct(block.right_class)}\u00a0%`));
    return made;
  };
  const body = ["seen", "unseen"].map((side) => node("tr", {}, node("th", { scope: "row" }, `truly ${side}`), ...blocks.filter((b) => b.true === side).map(cell)));
  host.replaceChildren(node("table", { class: "sides" },
    node("caption", { class: "small soft" }, "Share of each true side by the side it was taken for, averaged over classes"),
    node("thead", {}, node("tr", {}, node("td"), node("th", { scope: "col" }, "taken for seen"), node("th", { scope: "col" }, "for unseen"))),
    node("tbody", {}, ...body)));
}

/** Cells by share of the true class; seen classes first, a line between the sides. Names show where there is room. */
function drawConfusion(host, found) {
  const n = found.names.length, named = n <= 30, left = named ? 110 : 44, width = Math.max(host.clientWidth, 160);
  const size = Math.min(width - left - 4, 420), step = size / n, top = 20, svg = shape("svg", { width: left + size + 4, height: top + size + 4,
    role: "img", "aria-label": `Confusion of ${n} classes; the most confused pairs stand beside it` });
  for (const [t, p, count] of found.cells) {
    const share = count / found.images[t];
    svg.append(titled(shape("rect", { x: (left + p * step).toFixed(2), y: (top + t * step).toFixed(2), width: Math.max(step, 0.8).toFixed(2), height: Math.max(step, 0.8).toFixed(2),
      style: `fill: var(--${t === p ? "seen" : "unseen"}); opacity: ${(0.15 + 0.85 * share).toFixed(2)}` }), `${plainName(found.names[t])} as ${plainName(found.names[p])}: ${count} (${pct(share)} %)`));
  }
  svg.append(shape("path", { class: "axis", fill: "none", d: `M${left} ${top}h${size}v${size}h${-size}z` }));
  if (found.n_seen > 0 && found.n_seen < n) {
    const at = found.n_seen * step;
    svg.append(shape("path", { class: "cross", d: `M${left} ${top + at}h${size}M${left + at} ${top}v${size}` }));
  }
  const sides = found.n_seen ? [["seen", 0, found.n_seen], ["unseen", found.n_seen, n]] : [["unseen", 0, n]];
  for (const [side, from, to] of sides) svg.append(shape("text", { x: left + ((from + to) / 2) * step, y: top - 6, "text-anchor": "middle" }, `as ${side}`));
  if (named) found.names.forEach((name, k) => svg.append(shape("text", { x: left - 4, y: top + (k + 0.5) * step + 4, "text-anchor": "end" }, plainName(name).slice(0, 16))));
  else for (const [side, from, to] of sides) svg.append(shape("text", { x: left - 4, y: top + ((from + to) / 2) * step + 4, "text-anchor": "end" }, side));
  host.replaceChildren(svg);
}

function drawClasses(host, classes, column, means) {
  const order = classes.id.map((_, k) => k).filter((k) => classes[column][k] !== null && classes[column][k] !== undefined);
  order.sort((a, b) => classes[column][a] - classes[column][b] || a - b);
  const f = frame(host, { height: 220, x: [0, order.length], y: [0, 1], yLabel: "accuracy, %", xTicks: 0.5,
    format: (v, axis) => (axis === "y" ? Math.round(100 * v) : ""), label: `Accuracy of ${order.length} classes, sorted` });
  const step = (f.right - f.left) / Math.max(order.length, 1), gap = step > 4 ? 1 : 0;
  order.forEach((k, place) => {
    const value = classes[column][k], y = f.sy(value);
    f.svg.append(titled(shape("rect", { class: classes.unseen[k] ? "unseen" : "seen", x: (f.left + place * step).toFixed(2), y: Math.min(y, f.bottom - 1.5).toFixed(1),
      width: Math.max(step - gap, 0.6).toFixed(2), height: Math.max(f.bottom - y, 1.5).toFixed(1) }), `${plainName(classes.name[k])}, ${classes.unseen[k] ? "unseen" : "seen"}: ${pct(value)} % of ${classes.images[k]}`));
  });
  for (const [name, value] of Object.entries(means)) {
    f.svg.append(shape("path", { class: "cross", d: `M${f.left} ${f.sy(value)}H${f.right}` }));
    f.svg.append(shape("text", { class: "strong", x: f.left + 6, y: f.sy(value) - 4 }, `${name} ${pct(value)}`));
  }
  return order;
}

function drawLines(host, lines, label, mark) {
  const xs = lines.flatMap((l) => l.x), ys = lines.flatMap((l) => l.y).filter((y) => y !== null);
  const box = node("div");
  host.append(box);
  const f = frame(box, { height: 150, x: [Math.min(...xs), Math.max(...xs)], y: [Math.min(...ys), Math.max(...ys)], left: box.clientWidth < 180 ? 42 : 52, xTicks: box.clientWidth < 180 ? 3 : 4, yTicks: 4,
    format: (v, axis) => (axis === "x" ? (Number.isInteger(v) ? v : "") : short(v)), xLabel: "epoch", label: `${label} by epoch` });
  for (const one of [...lines].reverse()) {
    const points = one.x.map((x, k) => [x, one.y[k]]).filter(([, y]) => y !== null).map(([x, y]) => [f.sx(x), f.sy(y)]);
    f.svg.append(titled(shape("path", { class: one.fit === "final" || lines.length === 1 ? "curve" : "other", d: line(points) }), one.fit));
  }
  if (mark) f.svg.append(titled(shape("path", { class: "cross", d: `M${f.sx(mark)} ${f.top}V${f.bottom}` }), `chosen: epoch ${mark}`));
}

function drawFeatures(host, keys, features) {
  const all = features.points, xs = all.map((p) => p[2]), ys = all.map((p) => p[3]);
  const height = Math.round(Math.min(Math.max(host.clientWidth * 0.75, 240), 400));
  const f = frame(host, { height, x: [Math.min(...xs), Math.max(...xs)], y: [Math.min(...ys), Math.max(...ys)],
    xLabel: "first direction", yLabel: "second direction", format: short, label: "Real and synthetic features of unseen classes" });
  for (const [kind, k, x, y] of all) {
    const [px, py] = [f.sx(x).toFixed(1), f.sy(y).toFixed(1)];
    f.svg.append(kind === 0
      ? shape("circle", { cx: px, cy: py, r: 2.5, opacity: 0.7, style: `fill: var(--c${k})` })
      : shape("path", { d: `M${px - 3} ${py - 3}l6 6m0 -6l-6 6`, style: `stroke: var(--c${k}); fill: none` }));
  }
  keys.replaceChildren(...features.names.map((name, k) => node("li", {}, node("span", { class: "dot", style: `background: var(--c${k})` }), plainName(name))));
}
