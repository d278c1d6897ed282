"use strict";
// Charts from the rows of the tables beside them, so that a chart shows nothing that the table does not say.
(function () {
  const figures = [...document.querySelectorAll("figure[data-chart]")];
  if (!figures.length || typeof Plot === "undefined") return;
  const get = (row, name) => (row.dataset[name] === "" ? null : Number(row.dataset[name]));

  const milliseconds = (seconds) => (seconds === null ? null : 1000 * seconds);

  function points(table, axis) {
    return [...table.tBodies[0].rows].map((row) => ({
      name: row.dataset.name, href: row.dataset.href || null, y: get(row, "value"), low: get(row, "low"), high: get(row, "high"),
      x: axis === "progress" ? new Date(row.dataset.created) : axis === "time" ? milliseconds(get(row, axis)) : get(row, axis),
      best: axis === "progress" ? row.dataset.best === "yes" : (row.dataset.fronts || "").split(" ").includes(axis),
      reference: row.classList.contains("reference"),
    })).filter((one) => one.y !== null && one.x !== null);
  }

  // A name where the points leave room for it: those on the front first, then top down.
  function labelled(all, x, y, width) {
    const placed = [];
    const free = (box) => placed.every((o) => box.right < o.left || box.left > o.right || box.bottom < o.top || box.top > o.bottom);
    for (const one of all) placed.push({ left: x(one.x) - 4, right: x(one.x) + 4, top: y(one.y) - 4, bottom: y(one.y) + 4 });
    const found = [];
    for (const one of [...all].sort((a, b) => b.best - a.best)) {
      const short = one.name.length > 24 ? one.name.slice(0, 23) + "…" : one.name;
      const long = short.length * 7 + 4;
      for (const [dx, dy, anchor] of [[8, -9, "start"], [-8, -9, "end"], [8, 10, "start"], [-8, 10, "end"]]) {
        const start = x(one.x) + dx - (anchor === "end" ? long : 0);
        const box = { left: start, right: start + long, top: y(one.y) + dy - 6, bottom: y(one.y) + dy + 6 };
        if (box.left < 46 || box.right > width - 2 || box.top < 14 || box.bottom > Math.round(width * 0.62) - 46 || !free(box)) continue;
        placed.push(box);
        found.push({ ...one, short, dx, dy, anchor });
        break;
      }
    }
    return found;
  }

  function draw(figure) {
    const box = figure.querySelector(".plot");
    const axis = figure.dataset.chart;
    const section = figure.closest("section");
    const board = section.querySelector("table.points");
    const all = points(axis === "progress" ? section.querySelector("table.past") : board, axis);
    const width = Math.max(280, Math.min(640, box.clientWidth));
    const percent = board.dataset.fraction === "yes";
    const scale = percent ? 100 : 1;
    for (const one of all) for (const key of ["y", "low", "high"]) if (one[key] !== null) one[key] *= scale;
    const line = all.filter((one) => one.best).sort((a, b) => a.x - b.x);
    const spread = axis !== "progress" && all.length > 1
      && Math.max(...all.map((one) => one.x)) > 8 * Math.min(...all.map((one) => one.x)) && all.every((one) => one.x > 0);
    const options = {
      width, height: Math.round(width * 0.62), marginLeft: 46, marginRight: 18, marginBottom: 46, marginTop: 26,
      x: { label: `${figure.dataset.label}${spread ? ", log scale" : ""} →`, type: axis === "progress" ? "utc" : spread ? "log" : "linear",
           nice: axis !== "progress", ticks: Math.max(3, Math.round(width / 130)), tickFormat: spread ? "~r" : undefined, labelOffset: 40,
           insetLeft: 8, insetRight: 8 },
      y: { label: `↑ ${board.dataset.metric}${percent ? ", %" : ""}`, grid: true, nice: true },
    };
    const marks = [
      Plot.line(line, { x: "x", y: "y", curve: axis === "progress" ? "step-after" : "linear", className: "front" }),
      Plot.ruleX(all.filter((one) => one.low !== null && one.high !== null), { x: "x", y1: "low", y2: "high", className: "range" }),
      Plot.dot(all, { x: "x", y: "y", r: 5, symbol: (one) => (one.reference ? "square" : "circle"), href: "href",
                      className: "point", title: (one) => `${one.name}: ${one.y.toFixed(percent ? 1 : 2)}`,
                      ariaLabel: (one) => `${one.name}: ${one.y.toFixed(percent ? 1 : 2)}${one.best ? ", on the front" : ""}` }),
    ];
    const bare = Plot.plot({ ...options, marks });
    const names = labelled(all, bare.scale("x").apply, bare.scale("y").apply, width);
    for (const one of names) {
      marks.push(Plot.text([one], { x: "x", y: "y", text: "short", dx: one.dx, dy: one.dy, textAnchor: one.anchor, className: "name" }));
    }
    const picture = Plot.plot({ ...options, marks });
    picture.setAttribute("role", "group");
    picture.setAttribute("aria-label", figure.querySelector("h3").textContent);
    for (const group of picture.querySelectorAll("g[aria-label]:not([role])")) group.removeAttribute("aria-label"); // "line", "dot"
    for (const link of picture.querySelectorAll("a")) {
      const mark = link.querySelector("[aria-label]");
      if (mark) link.setAttribute("aria-label", mark.getAttribute("aria-label"));
    }
    box.replaceChildren(picture);
  }

  let timer = 0;
  const drawAll = () => figures.forEach(draw);
  drawAll();
  let before = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === before) return; // a phone's address bar comes and goes
    before = innerWidth;
    clearTimeout(timer);
    timer = setTimeout(drawAll, 150);
  });
})();
