"use strict";
// How a JSON value of an example looks to a person: texts as texts, conversations as turns, records as lists of terms.
FINAI.show = (function () {
  const { h } = FINAI;
  const LONG = 700; // characters from which a text gets a box of its own to scroll in

  function text(value) {
    if (value.length <= LONG) return h("span", { class: "text", dir: "auto" }, value);
    return h("div", { class: "text long-text", dir: "auto", tabindex: "0", role: "group", "aria-label": "Long text, scrolls" }, value);
  }

  const isTurn = (one) => Array.isArray(one) && one.length === 2 && one.every((part) => typeof part === "string");
  const isScalar = (one) => one === null || typeof one !== "object";

  function list(value) {
    if (!value.length) return h("span", { class: "quiet" }, "none");
    if (value.every(isTurn)) {
      return h("dl", { class: "turns" }, value.map(([role, said]) => h("div", { class: `turn-${role === "user" ? "user" : "other"}` }, h("dt", {}, role), h("dd", { dir: "auto" }, said))));
    }
    if (value.every(isScalar) && value.length > 12) return text(value.map(String).join(" ")); // tokens
    if (value.length === 1) return show(value[0]);
    const times = new Map(); // annotators often agree to the letter
    for (const one of value) times.set(JSON.stringify(one), (times.get(JSON.stringify(one)) || 0) + 1);
    if (times.size < value.length) {
      return h("ul", { class: "values" }, [...times].map(([one, n]) => h("li", {}, show(JSON.parse(one)), n > 1 ? h("span", { class: "quiet" }, ` (${n} times)`) : null)));
    }
    return h("ul", { class: "values" }, value.map((one) => h("li", {}, isScalar(one) ? show(one) : text(JSON.stringify(one)))));
  }

  function show(value) {
    if (value === null || value === undefined) return h("span", { class: "quiet" }, "none");
    if (typeof value === "string") return value === "" ? h("span", { class: "quiet" }, "empty") : text(value);
    if (typeof value === "number") return h("span", {}, FINAI.number(value, 6));
    if (Array.isArray(value)) return list(value);
    if (typeof value === "object") {
      const entries = Object.entries(value);
      if (entries.length > 12) return text(JSON.stringify(value));
      return h("dl", { class: "record" }, entries.map(([name, one]) => h("div", {}, h("dt", {}, name), h("dd", {}, isScalar(one) ? show(one) : Array.isArray(one) ? list(one) : text(JSON.stringify(one))))));
    }
    return h("span", {}, String(value));
  }
  return show;
})();
