"use strict";
// The examples of one run, or of two side by side: a light list decides what is shown, the texts are loaded for one page of it.
FINAI.Examples = class extends FINAI.Cards {
  static SIZE = 20;

  // `runs` are [{page, label}], one or two.
  constructor(box, runs) {
    super();
    this.box = box;
    this.runs = runs;
    this.state = { page: 1, sort: "data", filter: "all", text: "" };
    this.matches = null; // places that hold the text, null where none is asked for
    this.turn = 0;
  }

  async start() {
    const { h } = FINAI;
    this.box.hidden = false;
    this.box.replaceChildren(h("p", { role: "status" }, "Loading the list of examples …"));
    try {
      this.lists = await Promise.all(this.runs.map((run) => FINAI.load(`examples/${run.page}/list`)));
      this.pair();
      this.frame();
      this.fromAddress();
      addEventListener("hashchange", () => { if (location.hash !== this.address()) this.fromAddress(); });
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error) {
    this.box.replaceChildren(FINAI.h("p", { class: "note", role: "alert" }, `The examples cannot be shown: ${error.message}.`));
  }

  // One item an example: its place in each list, its scores, and by how much they differ.
  pair() {
    const [a, b] = this.lists;
    const at = this.lists.map((list) => new Map(list.ids.map((id, place) => [id, place])));
    const failed = this.lists.map((list) => new Set(list.failed));
    const better = (list) => (list.higher === false ? -1 : 1);
    this.scored = this.lists.every((list) => list.scores && list.metric === a.metric);
    this.items = [];
    for (const [place, id] of a.ids.entries()) {
      const places = b ? [place, at[1].get(id)] : [place];
      if (b && places[1] === undefined) continue;
      const scores = this.lists.map((list, i) => (list.scores ? list.scores[places[i]] : null));
      const change = b && this.scored && scores[0] !== null && scores[1] !== null ? scores[1] - scores[0] : null;
      this.items.push({ id, places, scores, change, failed: places.some((one, i) => failed[i].has(one)), sign: better(a) });
    }
  }

  get orders() {
    const known = this.scored;
    if (!this.lists[1]) return known ? { data: "order of the data", worst: "worst first", best: "best first" } : { data: "order of the data" };
    return known ? { change: "largest difference first", worse: "worse in B first", better: "better in B first", data: "order of the data" } : { data: "order of the data" };
  }

  get filters() {
    const found = { all: "all" };
    if (this.lists[1] && this.scored) Object.assign(found, { changed: "score changed", worse: "worse in B", better: "better in B" });
    if (!this.lists[1] && this.scored && this.lists[0].own) Object.assign(found, { below: this.lists[0].higher ? "score below 1" : "score above 0", perfect: this.lists[0].higher ? "score 1" : "score 0" });
    if (this.items.some((one) => one.failed)) found.failed = "failed";
    return found;
  }

  frame() {
    const { h } = FINAI;
    const options = (choices) => Object.entries(choices).map(([value, label]) => h("option", { value }, label));
    const changed = (key, event) => this.change({ [key]: event.target.value, page: 1 });
    this.sorts = h("select", { onchange: (event) => changed("sort", event) }, options(this.orders));
    this.filterBox = h("select", { onchange: (event) => changed("filter", event) }, options(this.filters));
    this.search = h("input", { type: "search", autocomplete: "off" });
    this.search.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.change({ text: this.search.value.trim(), page: 1 }), 350);
    });
    this.jump = h("input", { type: "text", list: "no-list", autocomplete: "off", spellcheck: "false" });
    const go = h("form", { class: "inline", onsubmit: (event) => { event.preventDefault(); this.jumpTo(this.jump.value.trim()); } },
      h("label", {}, "Id or number ", this.jump), h("button", { type: "submit" }, "Go"));
    this.status = h("p", { role: "status", class: "quiet" });
    this.place = h("div", { class: "examples" });
    this.bars = ["top", "bottom"].map((where) => h("nav", { class: "pages", "aria-label": `Pages of examples, ${where}` }));
    this.box.replaceChildren(
      h("div", { class: "tools" }, h("label", {}, "Order ", this.sorts), h("label", {}, "Show ", this.filterBox), h("label", {}, "Text ", this.search), go),
      this.status, this.bars[0], this.place, this.bars[1]);
  }

  address() {
    const { page, sort, filter, text } = this.state;
    const parts = [["page", page], ["sort", sort], ["show", filter], ["text", text]].filter(([, value]) => value !== "");
    return "#" + parts.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&");
  }

  fromAddress() {
    const given = new URLSearchParams(location.hash.slice(1));
    const among = (value, choices) => (value in choices ? value : Object.keys(choices)[0]);
    this.change({
      page: Number.parseInt(given.get("page") || "1", 10) || 1, sort: among(given.get("sort") || "", this.orders),
      filter: among(given.get("show") || "", this.filters), text: given.get("text") || "",
    }, !given.has("page"));
    if (given.has("id")) this.jumpTo(given.get("id"));
  }

  async change(wanted, quiet = false) {
    const before = this.state;
    this.state = { ...this.state, ...wanted };
    Object.assign(this.sorts, { value: this.state.sort });
    Object.assign(this.filterBox, { value: this.state.filter });
    if (this.search.value.trim() !== this.state.text) this.search.value = this.state.text;
    const turn = ++this.turn;
    try {
      if (before.text !== this.state.text || (this.state.text && !this.matches)) this.matches = await this.find(this.state.text, turn);
      if (turn !== this.turn) return; // a later choice has come
      this.choose();
      if (!quiet) this.remember();
      await this.render(turn);
    } catch (error) {
      this.fail(error);
    }
  }

  remember() {
    try {
      history.replaceState(null, "", this.address());
    } catch (error) {
      // a page from a file may not change its address
    }
  }

  choose() {
    const { sort, filter } = this.state;
    const keep = {
      all: () => true, failed: (one) => one.failed, changed: (one) => one.change !== 0 && one.change !== null,
      worse: (one) => one.change * one.sign < 0, better: (one) => one.change * one.sign > 0,
      below: (one) => one.scores[0] !== (one.sign > 0 ? 1 : 0), perfect: (one) => one.scores[0] === (one.sign > 0 ? 1 : 0),
    }[filter];
    const key = {
      worst: (one) => one.scores[0] * one.sign, best: (one) => -one.scores[0] * one.sign, change: (one) => -Math.abs(one.change),
      worse: (one) => one.change * one.sign, better: (one) => -one.change * one.sign,
    }[sort];
    this.shown = this.items.filter((one) => keep(one) && (!this.matches || this.matches.has(one.places[0])));
    if (key) this.shown.sort((x, y) => key(x) - key(y) || x.places[0] - y.places[0]);
    this.pages = Math.max(1, Math.ceil(this.shown.length / FINAI.Examples.SIZE));
    this.state.page = Math.min(Math.max(1, this.state.page), this.pages);
  }

  // Where run i keeps the answer at a place, and where the data of that example are.
  answerKey(i, place) {
    return this.lists[i].answers ? `examples/${this.runs[i].page}/${Math.floor(place / this.lists[i].chunk)}` : null;
  }

  dataPlace(place) {
    const list = this.lists[0];
    const found = list.places ? list.places[place] : place;
    return list.data && found >= 0 ? found : null;
  }

  dataKey(place) {
    const found = this.dataPlace(place);
    return found === null ? null : `${this.lists[0].data}/${Math.floor(found / this.lists[0].chunk)}`;
  }

  async texts(item) {
    const chunk = this.lists[0].chunk;
    const pick = async (key, place) => (key ? (await FINAI.load(key))[place % chunk] : null);
    const data = await pick(this.dataKey(item.places[0]), this.dataPlace(item.places[0]));
    const answers = await Promise.all(item.places.map((place, i) => pick(this.answerKey(i, place), place)));
    return { data, answers };
  }

  // The places whose id, inputs, target or answers hold the text; all files are read for that, some at a time.
  async find(text, turn) {
    if (!text) return null;
    const wanted = text.toLowerCase();
    const found = new Set();
    for (let start = 0; start < this.items.length; start += 1000) {
      if (turn !== this.turn) return found;
      this.status.textContent = `Searching ${start.toLocaleString("en")} of ${this.items.length.toLocaleString("en")} …`;
      const part = this.items.slice(start, start + 1000);
      const texts = await Promise.all(part.map((item) => this.texts(item)));
      texts.forEach(({ data, answers }, i) => {
        const parts = [part[i].id, ...(data ? [data.inputs, data.target] : []), ...answers];
        if (parts.some((one) => (typeof one === "string" ? one : JSON.stringify(one) || "").toLowerCase().includes(wanted))) found.add(part[i].places[0]);
      });
    }
    return found;
  }

  async render(turn, focus) {
    const { SIZE } = FINAI.Examples;
    const start = (this.state.page - 1) * SIZE;
    const items = this.shown.slice(start, start + SIZE);
    const texts = await Promise.all(items.map((item) => this.texts(item)));
    if (turn !== this.turn) return;
    const n = this.shown.length;
    const of = n < this.items.length ? ` (of ${this.items.length.toLocaleString("en")})` : "";
    this.status.textContent = n ? `Examples ${(start + 1).toLocaleString("en")} to ${(start + items.length).toLocaleString("en")} of ${n.toLocaleString("en")}${of}` : "No example fits.";
    this.place.replaceChildren(...items.map((item, i) => this.card(item, texts[i])));
    this.bars.forEach((bar) => this.turnPages(bar));
    if (focus !== undefined) {
      const card = this.place.children[items.findIndex((item) => item.places[0] === focus)];
      if (card) { card.focus(); card.scrollIntoView({ block: "start" }); }
    }
  }

  turnPages(bar) {
    const { h } = FINAI;
    const active = document.activeElement;
    const held = bar.contains(active) ? active.dataset.go : null;
    const go = (label, page, off, name) => h("button", { type: "button", disabled: off, "data-go": name, onclick: () => { this.change({ page }); } }, label);
    const { page } = this.state;
    const number = h("input", { type: "number", min: 1, max: this.pages, value: page, "data-go": "number" });
    number.addEventListener("change", () => this.change({ page: Number.parseInt(number.value, 10) || 1 }));
    bar.replaceChildren(go("First", 1, page === 1, "first"), go("Previous", page - 1, page === 1, "previous"),
      h("label", {}, "Page ", number, ` of ${this.pages.toLocaleString("en")}`),
      go("Next", page + 1, page === this.pages, "next"), go("Last", this.pages, page === this.pages, "last"));
    if (held) { // the button that was pressed keeps the focus, or the number where it can be pressed no more
      const again = bar.querySelector(`[data-go="${held}"]`);
      (again && !again.disabled ? again : number).focus();
    }
  }

  async jumpTo(wanted) {
    if (!wanted) return;
    const byNumber = /^#?\d+$/.test(wanted) ? this.items.find((one) => one.places[0] === Number(wanted.replace("#", "")) - 1) : null;
    const item = this.items.find((one) => one.id === wanted) || byNumber;
    if (!item) { this.status.textContent = `There is no example ${wanted}.`; return; }
    const turn = ++this.turn;
    Object.assign(this.state, { filter: "all", text: "" });
    this.matches = null;
    this.filterBox.value = "all";
    this.search.value = "";
    this.choose();
    this.state.page = Math.floor(this.shown.indexOf(item) / FINAI.Examples.SIZE) + 1;
    this.remember();
    await this.render(turn, item.places[0]);
  }
};

(function () {
  const box = document.getElementById("browser");
  if (box && box.dataset.run) new FINAI.Examples(box, [{ page: box.dataset.run, label: "" }]).start();
})();
