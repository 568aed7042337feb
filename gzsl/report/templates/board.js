const rows = $$(".board tr.line");
const groupOf = (row) => page.groups[row.dataset.group];
let reference = {}; // by dataset: the protocol that marks refer to

function valueOf(row, key) {
  if (key === "name") return groupOf(row).label;
  if (key === "n") return groupOf(row).runs.length;
  if (key === "seconds") return groupOf(row).seconds;
  const cell = row.cells[Number(key) + 1];
  return cell.dataset.v === undefined ? -Infinity : Number(cell.dataset.v);
}

function sortBy(head) {
  const key = head.dataset.sort, now = head.getAttribute("aria-sort");
  const down = now === "none" ? key !== "name" : now === "ascending";
  for (const other of $$(".board [data-sort]")) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  for (const body of $$(".board tbody")) {
    const sorted = $$("tr.line", body).sort((a, b) => {
      const [x, y] = [valueOf(a, key), valueOf(b, key)];
      const order = typeof x === "string" ? x.localeCompare(y) : x < y ? -1 : x > y ? 1 : 0;
      return down ? -order : order;
    });
    body.append(...sorted);
  }
}

function applyFilters() {
  const wanted = $$("#filters select").map((select) => [select.dataset.field, select.value]).filter(([, value]) => value);
  const text = $("#filter-text").value.trim().toLowerCase();
  let shown = 0;
  for (const row of rows) {
    const group = groupOf(row);
    const fits = wanted.every(([field, value]) => group.fields[field] === value) && group.label.toLowerCase().includes(text);
    row.hidden = !fits;
    shown += fits;
  }
  for (const body of $$(".board tbody")) body.hidden = $$("tr.line", body).every((row) => row.hidden);
  $("#shown").textContent = shown === rows.length ? `${shown} rows` : `${shown} of ${rows.length} rows`;
  writeMarks();
}

/** Which protocol fields of a group differ from its dataset's reference, and the mark that follows. */
function compared(group) {
  const other = reference[group.dataset], differ = [];
  for (const [field, value] of Object.entries(group.protocol)) {
    if (value !== other[field]) differ.push({ field, text: `${field.replace("_", "-")}: ${said(value)} against ${said(other[field])}` });
  }
  const bars = differ.some(({ field }) => !page.own_fields.includes(field));
  return { mark: bars ? "†" : differ.length ? "‡" : "", texts: differ.map(({ text }) => text) };
}

const said = (value) => (value === true ? "yes" : value === false ? "no" : value === null ? "unknown" : value);

function writeMarks() {
  const notes = new Map();
  for (const row of rows) {
    const { mark, texts } = compared(groupOf(row));
    $(".mark", row).textContent = mark;
    $(".mark", row).title = texts.join("; ");
    if (!mark || row.hidden) continue;
    const dataset = groupOf(row).dataset;
    for (const text of texts) {
      const key = `${mark} ${dataset}: ${text}`;
      notes.set(key, [...(notes.get(key) || []), groupOf(row).method]);
    }
  }
  const items = [...notes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, methods]) => {
    const names = [...new Set(methods)];
    const who = names.length > 5 ? `${names.slice(0, 4).join(", ")} and ${names.length - 4} more` : names.join(", ");
    return node("li", {}, node("span", { class: "mark" }, key[0]), ` ${key.slice(2)} (${who})`);
  });
  if (items.length) {
    items.unshift(node("li", {}, node("span", { class: "mark" }, "†"), " protocol differs from the reference, so not comparable; ",
      node("span", { class: "mark" }, "‡"), " only the method’s own preparation of features or class table differs. Reference: ",
      "the chosen row, and in other datasets the commonest protocol."));
  }
  $("#marks").replaceChildren(...items);
}

function setReference(chosen) {
  reference = { ...page.references };
  if (chosen) reference[chosen.dataset] = chosen.protocol;
  for (const row of rows) {
    if (chosen && groupOf(row) === chosen) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
  writeMarks();
}

function startBoard(open) {
  for (const head of $$(".board [data-sort]")) $("button", head).addEventListener("click", () => sortBy(head));
  for (const select of $$("#filters select")) select.addEventListener("change", applyFilters);
  $("#filter-text").addEventListener("input", applyFilters);
  for (const row of rows) $(".open", row).addEventListener("click", () => open(Number(row.dataset.group)));
  reference = { ...page.references };
  applyFilters();
}
