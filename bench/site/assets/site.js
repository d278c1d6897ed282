"use strict";
// What all pages share: making elements (text is always text, never markup), loading data scripts, the colours.
const FINAI = {
  root: document.documentElement.dataset.root,
  loaded: new Map(),
  waiting: new Map(),

  // Called by data scripts only.
  take(key, value) {
    const waits = FINAI.waiting.get(key);
    if (waits) waits.value = value;
    else FINAI.loaded.set(key, Promise.resolve(value));
  },

  // The value of a data script, as a promise. Pages opened from a file may load scripts, but fetch nothing.
  load(key) {
    if (!FINAI.loaded.has(key)) {
      FINAI.loaded.set(key, new Promise((done, failed) => {
        const waits = { value: undefined };
        FINAI.waiting.set(key, waits);
        const script = document.createElement("script");
        script.src = FINAI.root + key + ".js";
        const end = () => { FINAI.waiting.delete(key); script.remove(); };
        script.onload = () => { end(); waits.value === undefined ? failed(new Error(key + ".js holds nothing")) : done(waits.value); };
        script.onerror = () => { end(); FINAI.loaded.delete(key); failed(new Error(key + ".js cannot be loaded")); };
        document.head.append(script);
      }));
    }
    return FINAI.loaded.get(key);
  },

  // A text with what cannot be seen (controls, signs of direction, fillers) as its number; line breaks and tabs stay.
  seen(value) {
    return String(value).replace(/\r\n/g, "\n").replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f]/gu, (sign) =>
      (sign === "\n" || sign === "\t" ? sign : `\\u${sign.codePointAt(0).toString(16).padStart(4, "0")}`));
  },

  // An element with attributes and children; a text child stays text.
  h(tag, attributes, ...children) {
    return FINAI.filled(document.createElement(tag), attributes, children);
  },

  // The same of a picture.
  svg(tag, attributes, ...children) {
    return FINAI.filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  },

  filled(found, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) found.addEventListener(name.slice(2), value);
      else found.setAttribute(name, value === true ? "" : FINAI.seen(value));
    }
    found.append(...children.flat().filter((child) => child !== null && child !== undefined).map((child) => (typeof child === "string" ? FINAI.seen(child) : child)));
    return found;
  },

  number(value, digits = 4) {
    return value === null || value === undefined ? "–" : String(Number(value.toPrecision(digits)));
  },
};

(function () {
  const button = document.getElementById("theme");
  const page = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (page.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const say = () => { button.textContent = dark() ? "Light colours" : "Dark colours"; };
  button.hidden = false;
  button.addEventListener("click", () => {
    page.dataset.theme = dark() ? "light" : "dark";
    try {
      localStorage.setItem("finai-theme", page.dataset.theme);
    } catch (error) {
      // not remembered, but chosen
    }
    say();
  });
  system.addEventListener("change", say);
  say();
})();
