"use strict";
// Sorting by a button in each heading, filtering of rows, and the choice of two runs. Without scripts the tables stand as they are.
(function () {
  const { h, root } = FINAI;
  const FIGURE = /^-?[\d,]+(\.\d+)?(?![\d:-])/;
  const textOf = (cell) => (cell.dataset.sort !== undefined ? cell.dataset.sort : cell.textContent.trim());
  const empty = (text) => text === "" || text === "–";
  const numeric = (text) => Number.parseFloat(text.replaceAll(",", ""));

  function kindOf(heading, texts) {
    if (heading.dataset.kind !== "auto") return heading.dataset.kind;
    const told = texts.filter((text) => !empty(text));
    return told.length && told.every((text) => FIGURE.test(text)) ? "number" : "text";
  }

  // Empty cells stay at the end, whichever way the others go.
  function sort(table, heading) {
    const column = heading.cellIndex;
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row, place) => ({ row, place, text: textOf(row.cells[column]) }));
    const kind = kindOf(heading, rows.map((one) => one.text));
    const down = heading.getAttribute("aria-sort") === "ascending";
    const way = down ? -1 : 1;
    const compare = kind === "number"
      ? (a, b) => numeric(a.text) - numeric(b.text)
      : (a, b) => a.text.localeCompare(b.text, "en", { numeric: true });
    rows.sort((a, b) => (empty(a.text) - empty(b.text)) || (empty(a.text) ? 0 : way * compare(a, b)) || a.place - b.place);
    body.append(...rows.map((one) => one.row));
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    table.classList.toggle("resorted", true); // lines between groups of ties mean something in order of rank only
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    for (const heading of table.tHead.rows[0].querySelectorAll("th")) {
      if (heading.dataset.kind === "none") continue;
      const button = h("button", { type: "button", class: "sort" }, heading.textContent);
      button.addEventListener("click", () => sort(table, heading));
      heading.replaceChildren(button);
    }
  }

  const tools = document.querySelector("form.tools");
  if (!tools) return;
  tools.hidden = false;
  tools.addEventListener("submit", (event) => event.preventDefault());
  const rows = [...document.querySelectorAll("table.filtered tbody tr")];
  const words = document.getElementById("filter");
  const origin = document.getElementById("origin");
  const said = document.getElementById("filtered");

  function filter() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const from = origin ? origin.value : "";
    let left = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !(wanted.every((word) => text.includes(word)) && (!from || row.dataset.origin === from));
      left += !row.hidden;
    }
    said.textContent = wanted.length || from ? `${left} of ${rows.length} rows` : "";
  }
  words.addEventListener("input", filter);
  if (origin) origin.addEventListener("change", filter);
  filter(); // a browser may bring back what was typed before

  const button = document.getElementById("compare");
  if (!button) return;
  const boxes = [...document.querySelectorAll("input[data-page]")];
  let chosen = [];
  for (const box of boxes) {
    box.hidden = false;
    box.checked = false;
    box.addEventListener("change", () => {
      chosen = chosen.filter((other) => other !== box);
      if (box.checked) chosen.push(box);
      while (chosen.length > 2) chosen.shift().checked = false;
      button.disabled = chosen.length < 2;
      button.textContent = ["Compare two runs", "Choose one more to compare", "Compare the two"][chosen.length];
    });
  }
  button.addEventListener("click", () => {
    const [a, b] = chosen.map((box) => encodeURIComponent(box.dataset.page));
    location.href = `${root}compare.html?a=${a}&b=${b}`;
  });
})();
