"use strict";
// Two runs on the same data, chosen in the address (compare.html?a=…&b=…) or here. Only runs that this site lists are loaded.
(async function () {
  const { h } = FINAI;
  const runs = await FINAI.load("runs");
  const box = document.getElementById("browser");
  const pair = document.getElementById("pair");
  const form = document.getElementById("choose");
  const given = new URLSearchParams(location.search);
  const known = (name) => (Object.hasOwn(runs, given.get(name) || "") ? runs[given.get(name)] : null);
  let a = known("a");
  let b = known("b");
  const label = (run) => `${run.task}: ${run.model} (${run.created}, ${run.n} examples, ${run.run.slice(0, 12)})`;
  const sorted = Object.values(runs).sort((x, y) => label(x).localeCompare(label(y), "en"));
  const [first, second] = ["run-a", "run-b"].map((id) => document.getElementById(id));
  const option = (run, chosen) => h("option", { value: run.page, selected: Boolean(chosen) && run.page === chosen.page }, label(run));

  function fill() {
    const fits = sorted.filter((run) => !a || (run.data === a.data && run.judged === a.judged));
    first.replaceChildren(h("option", { value: "" }, "choose a run"), ...sorted.map((run) => option(run, a)));
    second.replaceChildren(h("option", { value: "" }, "choose a run on the same examples"), ...fits.map((run) => option(run, b)));
  }

  function side(letter, run) {
    return h("div", {}, h("h2", {}, `${letter}: `, h("a", { href: `runs/${run.page}.html` }, h("bdi", {}, run.model))),
      h("p", {}, `${run.metric} ${run.score}; ${run.created}; run ${run.run}`));
  }

  function show() {
    fill();
    pair.replaceChildren();
    box.hidden = true;
    const asked = ["a", "b"].filter((name) => given.get(name) && !Object.hasOwn(runs, given.get(name)));
    if (asked.length) pair.append(h("p", { class: "note", role: "alert" }, "The address names a run that this site does not have; choose two above."));
    if (!a || !b) return;
    if (a.data !== b.data) {
      pair.append(h("p", { class: "note", role: "alert" }, "These two runs answered different examples, so they cannot stand side by side; choose a B on the same examples."));
      return;
    }
    if (a.judged !== b.judged) {
      pair.append(h("p", { class: "note", role: "alert" }, "By their logs these two runs rank by other metrics, another way or on another scale, so they cannot stand side by side."));
      return;
    }
    pair.append(h("div", { class: "two" }, side("A", a), side("B", b)),
      h("p", { class: "quiet" }, "Whether the difference is more than chance: bench compare, with its interval and test."));
    document.title = FINAI.seen(`${a.model} and ${b.model} side by side – FinAI Bench`);
    new FINAI.Examples(box, [a, b].map((run) => ({ page: run.page, label: run.model }))).start();
  }

  for (const [select, name] of [[first, "a"], [second, "b"]]) {
    select.addEventListener("change", () => {
      const search = new URLSearchParams();
      const chosen = { a: a && a.page, b: b && b.page, [name]: select.value };
      for (const key of ["a", "b"]) if (chosen[key]) search.set(key, chosen[key]);
      location.href = `compare.html?${search}`; // a new address for a new pair: it can be sent to somebody
    });
  }
  form.hidden = false;
  show();
})();
